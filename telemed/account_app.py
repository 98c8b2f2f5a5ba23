"""The subcommands of `telemed account` and what is typed after them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from telemed.domain.accounts import AccountEntry
from telemed.settings import Settings

Username = Annotated[str, typer.Argument(help="The name that the person signs in with")]
Roles = Annotated[
    list[str] | None,
    typer.Option(
        "--role",
        help="member-staff, specialist, reviewer, operator, system-administrator, security-administrator or auditor; may be repeated",
    ),
]
Centres = Annotated[list[str] | None, typer.Option("--centre", help="Centre that a reader reads, by its code; may be repeated")]


def account_app(
    settings: Callable[[], Settings], carry_out: Callable[[Coroutine[Any, Any, Any]], Any], fail: Callable[[str], NoReturn]
) -> typer.Typer:
    """Return the subcommands. `carry_out` runs work to its end and says what cannot be had, `fail` ends with a sentence."""
    # What does the work is imported by the commands that need it: who only serves does not wait for it.
    app = typer.Typer(no_args_is_help=True, help="Accounts: list, create, invite, change, disable, enable, reset, sessions, leave, unlock.")
    console = Console(highlight=False, soft_wrap=True)

    def run(work: Coroutine[Any, Any, Any]) -> Any:
        from telemed.account_command import Refused

        try:
            return carry_out(work)
        except Refused as error:
            fail(f"{str(error).rstrip('.')}.")

    _add_making(app, settings, run, console)
    _add_closing(app, settings, run, console)
    return app


Run = Callable[[Coroutine[Any, Any, Any]], Any]


def _add_making(app: typer.Typer, settings: Callable[[], Settings], run: Run, console: Console) -> None:
    @app.command("list")
    def show(
        text: Annotated[str, typer.Argument(help="A part of account, name or institution")] = "",
        institution: Annotated[str, typer.Option("--institution", help="Code of an institution")] = "",
        role: Annotated[str, typer.Option("--role", help="A role")] = "",
        centre: Annotated[str, typer.Option("--centre", help="Code of a centre")] = "",
        state: Annotated[str, typer.Option("--state", help="open, invited, uninvited, locked or disabled")] = "",
    ) -> None:
        """List accounts."""
        from telemed import account_command as command
        from telemed.service.administration import AccountFilter

        run(command.show_accounts(settings(), console, AccountFilter(text, institution, role, centre, state)))

    @app.command()
    def create(
        username: Username,
        name: Annotated[str, typer.Option("--name", help="The person's name")],
        institution: Annotated[str, typer.Option("--institution", help="Code of the institution")],
        role: Roles = None,
        centre: Centres = None,
        title: Annotated[str, typer.Option("--title", help="As it stands under a report")] = "",
        phone: Annotated[str, typer.Option("--phone", help="Where the person is called back")] = "",
        language: Annotated[str, typer.Option("--language", help="zh-CN or en; empty: as the browser asks")] = "",
        with_password: Annotated[
            bool, typer.Option("--with-password", help="Ask here for a first password, in place of an invitation")
        ] = False,
    ) -> None:
        """Make an account and print the link of its invitation."""
        from telemed import account_command as command

        entry = AccountEntry(username, name, institution, role or [], centre or [], title, language, phone)
        password = typer.prompt("First password", hide_input=True, confirmation_prompt=True) if with_password else ""
        chosen = settings()
        console.print(command.link(chosen, run(command.create(chosen, entry, password))))

    @app.command()
    def invite(username: Username) -> None:
        """A fresh invitation for somebody who has no password yet; the one before it ends."""
        from telemed import account_command as command
        from telemed.service import account_administration as administration

        chosen = settings()
        console.print(command.link(chosen, run(command.act(chosen, administration.invite, username))))

    @app.command()
    def reset(username: Username) -> None:
        """The password is right no longer, all sessions end; prints the link to choose a new one."""
        from telemed import account_command as command
        from telemed.service import account_administration as administration

        chosen = settings()
        console.print(command.link(chosen, run(command.act(chosen, administration.reset_password, username))))

    @app.command()
    def roles(
        username: Username,
        role: Roles = None,
        centre: Centres = None,
        institution: Annotated[str, typer.Option("--institution", help="Code of the institution, where it is another from now on")] = "",
    ) -> None:
        """Give an account these roles and centres; what is not named stays."""
        from telemed import account_command as command

        named = {"roles": role, "centres": centre, "institution": institution}
        person = run(command.change(settings(), username, **{name: value for name, value in named.items() if value}))
        console.print(f"{person.username}: {', '.join(sorted(person.roles))} at {person.institution}; {', '.join(sorted(person.centres))}")


def _add_closing(app: typer.Typer, settings: Callable[[], Settings], run: Run, console: Console) -> None:
    @app.command()
    def disable(username: Username) -> None:
        """Switch an account off: sessions and invitations end, cases in hand stay with the person."""
        from telemed import account_command as command
        from telemed.service import account_administration as administration

        run(command.act(settings(), administration.disable_account, username))
        console.print(f"{username} is switched off")

    @app.command()
    def enable(username: Username) -> None:
        """Switch an account on again, with the password that it had."""
        from telemed import account_command as command
        from telemed.service import account_administration as administration

        run(command.act(settings(), administration.enable_account, username))
        console.print(f"{username} is switched on")

    @app.command()
    def unlock(username: Username) -> None:
        """Open an account that was locked after too many wrong passwords."""
        from telemed import account_command as command

        run(command.unlock(settings(), username))
        console.print(f"{username} is unlocked")

    @app.command()
    def sessions(username: Username, end: Annotated[bool, typer.Option("--end", help="End all of them")] = False) -> None:
        """List an account's sessions, or end them."""
        from telemed import account_command as command
        from telemed.service import account_administration as administration

        if end:
            console.print(f"{run(command.act(settings(), administration.end_sessions_of, username))} sessions ended")
        else:
            run(command.show_sessions(settings(), console, username))

    @app.command()
    def leave(
        username: Username,
        to: Annotated[str, typer.Option("--to", help="Account of the colleague who takes open cases; empty: back to the list")] = "",
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; nothing changes")] = False,
    ) -> None:
        """Somebody leaves: the account is closed, every way in ends, open cases are handed over."""
        from telemed import account_command as command
        from telemed.service import leaving

        if dry_run:
            console.print(command.leaving_words(run(command.act(settings(), leaving.preview_leaving, username))))
        else:
            console.print(command.leaving_words(run(command.act(settings(), leaving.leave, username, to))))
