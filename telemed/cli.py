"""The `telemed` command."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import tomllib
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import structlog
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.text import Text
from sqlalchemy.exc import DBAPIError

from storage import open_store
from storage.errors import StorageError
from storage.privacy import write_privately
from telemed.account_app import account_app
from telemed.adapters.audit.anchor_key import AnchorKeyUnusable
from telemed.adapters.backup.layout import BackupRefused
from telemed.adapters.database.confidential import IdentityKeyUnusable
from telemed.adapters.database.engine import DatabaseUnavailable, make_engine
from telemed.adapters.database.migrate import migrate as apply_migrations
from telemed.centres import extensions, migrations
from telemed.data_folder import RESTORING, keep_database_private, make_ready
from telemed.domain.certificate import Validity
from telemed.event_loop import loop_of
from telemed.listening import PortInUse, check_shared_ports
from telemed.roles import all_roles
from telemed.settings import Settings, unknown_names, unknown_variables
from telemed.supervisor import CANNOT_START, Supervisor, shared_ports

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Remote diagnosis platform.", pretty_exceptions_enable=False)
region_app = typer.Typer(no_args_is_help=True, help="The region as one file, for version control.")
app.add_typer(region_app, name="region")
log = structlog.get_logger()
console = Console(stderr=True, highlight=False)


def main() -> None:
    write_privately()
    app()


def _fail(sentence: str) -> NoReturn:
    console.print(f"[bold red]telemed:[/] {sentence}", soft_wrap=True)
    sys.exit(CANNOT_START)


def _settings() -> Settings:
    file = os.environ.get("TELEMED_CONFIG")
    if file and not Path(file).is_file():
        _fail(f"There is no file {file}, which TELEMED_CONFIG names.")
    try:
        settings = Settings()
        for group in (extension.settings for extension in extensions() if extension.settings):
            group()
        if file and (unknown := unknown_names(Path(file), [Settings, *(e.settings for e in extensions() if e.settings)])):
            names = ", ".join(f"TELEMED_{name.upper()}" for name in unknown)
            _fail(f"Setting {names}: there is no such setting, and {file} names it. docs/running.md lists them.")
    except ValidationError as error:
        first = error.errors()[0]
        _fail(f"Setting TELEMED_{'_'.join(map(str, first['loc'])).upper()}: {first['msg']}.")
    except tomllib.TOMLDecodeError as error:
        _fail(f"The file {file} is not TOML: {error}.")
    level = logging.getLevelNamesMapping().get(settings.log_level.upper(), logging.INFO)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        # Standard error as it is when a line is written: what stood there at the start may be closed.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
    logging.basicConfig(level=max(level, logging.WARNING), stream=sys.stderr)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # it warns of every repeat; what fails in the end is said by the store
    return settings


def _run(work: Coroutine[Any, Any, Any], loop: Callable[[], asyncio.AbstractEventLoop] | None = None) -> Any:
    """Run to the end, on a loop that `loop` makes; what cannot be had is said in one plain sentence."""
    try:
        with asyncio.Runner(loop_factory=loop) as runner:
            return runner.run(work)
    except (DatabaseUnavailable, IdentityKeyUnusable, StorageError, PortInUse, AnchorKeyUnusable, BackupRefused) as error:
        _fail(str(error))
    except PermissionError as error:
        _fail(f"{error.filename} cannot be written: give this user the right to, or set TELEMED_DATA_DIR.")
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        _fail(f"The database refuses ({reason}). If it has not been used with this version, run: telemed migrate.")
    except KeyboardInterrupt:
        return None


def _prepare(settings: Settings) -> None:
    if (settings.data_dir / RESTORING).is_file():
        _fail(f"A restore into {settings.data_dir} was begun and has not ended: let it end, or go on with the same telemed restore.")
    try:
        make_ready(settings.data_dir)
    except OSError as error:
        _fail(f"The data folder {settings.data_dir} cannot be written ({error.strerror}). Set TELEMED_DATA_DIR to another one.")
    if settings.database_file:
        keep_database_private(settings.database_file)


def _say_what_is_odd(settings: Settings) -> None:
    """Log what is allowed and probably not meant."""
    for name in unknown_variables(os.environ, [Settings, *(e.settings for e in extensions() if e.settings)]):
        log.warning("setting.unknown", name=name, remedy="there is no such setting, it does nothing; docs/running.md lists them")
    if settings.is_reached_without_tls:
        log.warning(
            "setting.plain_http",
            host=settings.web_host,
            remedy="passwords and session cookies cross the network unencrypted: put a TLS proxy in front, set TELEMED_SECURE_COOKIES=true",
        )

    _say_which_certificates_end(settings)


def _say_which_certificates_end(settings: Settings) -> None:
    if not any(settings.certificate_files.values()):
        return
    from telemed.bootstrap import certificates  # it takes a second: who has no certificate does not wait for it

    now = datetime.now(UTC)
    for certificate in certificates(settings):
        if certificate.setting == "TELEMED_DICOM_TLS" and certificate.validity(now) is Validity.ENDED:
            _fail(
                f"The certificate in {certificate.file}, which TELEMED_DICOM_TLS names, ended on {certificate.ends_at:%Y-%m-%d}: no device "
                "would speak with it. Put a new one into the file."
            )
        if (validity := certificate.validity(now)) is not Validity.SOUND:
            log.warning(
                f"certificate.{validity.value}",
                setting=certificate.setting,
                file=certificate.file,
                ends_at=certificate.ends_at.isoformat(),
                remedy="put a new one into the file and start again; give it to devices that were given this one",
            )


async def _migrate(settings: Settings) -> None:
    engine = make_engine(settings.database)
    try:
        from telemed.adapters.database import engine as database

        await database.check(engine)
        await apply_migrations(engine, migrations())
    finally:
        await engine.dispose()


async def _prove_identity_key(settings: Settings) -> None:
    from telemed.adapters.database import identity_key

    engine = make_engine(settings.database)
    try:
        await identity_key.guard(engine, settings.identity_key)
    finally:
        await engine.dispose()


async def _put_in_order(settings: Settings) -> None:
    """The newest schema, the right key, and a store that answers: what is wrong is said here once, not by every role."""
    await _migrate(settings)
    await _prove_identity_key(settings)
    store = open_store(settings.storage, settings.store_keys)
    try:
        await store.check()
    finally:
        await store.close()


@app.command()
def serve(
    role: Annotated[str, typer.Argument(help="web, gateway, worker; all of them when left out")] = "",
    until_stdin_closes: Annotated[bool, typer.Option(hidden=True, help="For the supervisor: end with it")] = False,
) -> None:
    """Serve all roles, or one alone."""
    settings = _settings()
    _prepare(settings)
    if role:
        if not until_stdin_closes:
            _say_what_is_odd(settings)
        if role not in all_roles():
            _fail(f"There is no role {role}; there are {', '.join(all_roles())}.")
        if role == "web" and not until_stdin_closes:
            _run(_must_be_enterable(settings))
        from telemed.roles import run as roles  # it takes a second: who only watches over roles does not wait for it

        _run(roles.serve(role, settings, until_stdin_closes=until_stdin_closes), loop_of(role))
        return
    _say_what_is_odd(settings)
    _run(_put_in_order(settings))
    _run(_must_be_enterable(settings))
    sys.exit(_run(_supervise(settings)))


async def _must_be_enterable(settings: Settings) -> None:
    """End where nobody can sign in, or where everybody can who read of the demo."""
    from telemed.setup_command import entrance

    people, demonstration = await entrance(settings)
    if not people:
        _fail("Nobody can sign in yet: set up the region and its first people with telemed setup, or look around with telemed demo.")
    if demonstration:
        _must_stay_here(settings)


def _must_stay_here(settings: Settings) -> None:
    """The demo's password is public: end where others than this machine would reach it, unless that is meant."""
    if not settings.is_loopback and not settings.demo_exposed:
        _fail(
            f"The demo's people are here, whose password everybody knows, and TELEMED_HOST={settings.host} lets other machines in:"
            " leave it at 127.0.0.1, or set TELEMED_DEMO_EXPOSED=true if that is meant."
        )


async def _supervise(settings: Settings) -> int:
    ports = shared_ports(settings)
    check_shared_ports(ports)
    return await Supervisor(ports).run()


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    settings = _settings()
    _prepare(settings)
    _run(_migrate(settings))


@app.command()
def demo(empty: Annotated[bool, typer.Option("--empty", help="The region without sample cases")] = False) -> None:
    """Serve the demo region: accounts, hubs, and sample cases that arrive through the real doors."""
    from telemed.demo.run import run_demo

    settings = _settings()
    _must_stay_here(settings)
    _prepare(settings)
    _say_what_is_odd(settings)
    _run(_put_in_order(settings))
    sys.exit(_run(run_demo(settings, with_cases=not empty)))


@app.command()
def stats(
    month: Annotated[str, typer.Option("--month", help="The month as YYYY-MM")],
    kind: Annotated[str, typer.Option("--format", help="table, csv, xlsx or pdf")] = "table",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; standard output when left out")] = None,
    language: Annotated[str, typer.Option("--lang", help="zh-CN or en")] = "zh-CN",
) -> None:
    """The monthly bulletin of the whole network: a table here, or a file."""
    from telemed.bulletin_command import FORMATS, write_bulletin

    if kind not in FORMATS:
        _fail(f"There is no format {kind}; there are {', '.join(FORMATS)}.")
    if kind in ("xlsx", "pdf") and output is None and sys.stdout.isatty():
        _fail(f"A {kind} file does not go on the terminal: name a file with --output.")
    settings = _settings()
    sys.exit(_run(write_bulletin(settings, month, kind, output, language)))


@app.command()
def verify(
    as_json: Annotated[bool, typer.Option("--json", help="The proof as JSON on standard output")] = False,
) -> None:
    """Check the audit trail with its anchors, the record and every object on record; name what was changed. Nothing is written."""
    from telemed.verification import verify_installation

    settings = _settings()
    sys.exit(_run(verify_installation(settings, console, as_json=as_json)))


@app.command()
def backup(
    target: Annotated[str, typer.Argument(help="Folder or s3://...; where TELEMED_BACKUP says when left out")] = "",
    keep: Annotated[int | None, typer.Option("--keep", min=1, help="Snapshots that stay; TELEMED_BACKUP_KEEP when left out")] = None,
    keys: Annotated[str, typer.Option("--keys", help="Folder or s3://... for the keys, apart from everything else")] = "",
    passphrase_file: Annotated[Path | None, typer.Option("--passphrase-file", help="File with the passphrase that seals the keys")] = None,
    check: Annotated[bool, typer.Option("--check", help="Prove the backup where it lies; nothing is written")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What was done as JSON on standard output")] = False,
) -> None:
    """Make a consistent copy of everything while it runs, or prove one."""
    from telemed import backup_command, backups

    settings = _settings()
    place = target or settings.backup
    if not place:
        _fail("Name a folder or s3://... for the backup, or set TELEMED_BACKUP.")
    plan = backups.Plan(place, keep or settings.backup_keep, keys or settings.backup_keys, passphrase_file)
    work = backup_command.check if check else backup_command.backup
    sys.exit(_run(work(settings, plan, console, as_json=as_json)))


@app.command()
def restore(
    source: Annotated[str, typer.Argument(help="Folder or s3://... with the backup")],
    into: Annotated[Path | None, typer.Option("--into", help="Data folder; TELEMED_DATA_DIR when left out")] = None,
    at: Annotated[str, typer.Option("--at", help="Name of the snapshot; the newest when left out")] = "",
    keys: Annotated[str, typer.Option("--keys", help="Folder or s3://... with the keys, where they were kept apart")] = "",
    passphrase_file: Annotated[Path | None, typer.Option("--passphrase-file", help="File with the passphrase that opens the keys")] = None,
) -> None:
    """Put a backup back into an empty installation, and verify it."""
    from telemed import backup_command, backups

    settings = _settings()
    if into is not None:
        settings = settings.model_copy(update={"data_dir": into})
    plan = backups.Plan(source, settings.backup_keep, keys or settings.backup_keys, passphrase_file)
    sys.exit(_run(backup_command.restore(settings, plan, at, console)))


@app.command()
def unnamed(
    remove: Annotated[bool, typer.Option("--remove", help="Remove those that were found a day ago, however many they are")] = False,
) -> None:
    """List objects in the store that no record names, as the worker found them."""
    from telemed import unnamed_command

    settings = _settings()
    if remove:
        console.print(f"{_run(unnamed_command.remove_unnamed(settings))} removed")
    else:
        _run(unnamed_command.show_unnamed(settings, Console(highlight=False)))


@app.command()
def viewer(
    archive: Annotated[Path | None, typer.Option("--archive", help="The published archive (.tgz) from elsewhere")] = None,
) -> None:
    """Install the OHIF viewer; without it the built-in viewer shows the images."""
    from telemed import ohif

    folder = _settings().ohif_folder
    try:
        ohif.install(folder, archive)
    except (ohif.NotToBeHad, OSError) as error:
        _fail(f"OHIF is not installed, the built-in viewer stays: {error}.")
    console.print(f"OHIF {ohif.VERSION} stands in {folder}.", soft_wrap=True)


@app.command()
def device(
    title: Annotated[str, typer.Argument(help="AE title; all devices are listed when left out")] = "",
    institution: Annotated[str, typer.Option("--institution", help="Code of the institution that it belongs to")] = "",
    address: Annotated[str, typer.Option("--address", help="host:port, where it is addressed")] = "",
    use: Annotated[list[str] | None, typer.Option("--use", help="store (studies may be sent there) or query (a PACS with priors)")] = None,
    character_set: Annotated[str, typer.Option("--character-set", help="Specific Character Set of answers, such as GB18030")] = "",
    calls_from: Annotated[list[str] | None, typer.Option("--from", help="Network that it may call from")] = None,
    certificate: Annotated[
        list[str] | None, typer.Option("--certificate", help="Certificate that it may show: SHA-256 fingerprint, or a PEM file")
    ] = None,
    tls: Annotated[bool, typer.Option("--tls", help="It is called over TLS")] = False,
    authority: Annotated[str, typer.Option("--authority", help="PEM file with the authority of its certificate, or with that itself")] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Take it out of the network")] = False,
) -> None:
    """List the network's DICOM devices, add or change one, or take one out."""
    from telemed import devices_command as devices

    settings = _settings()
    if not title:
        _run(devices.show_devices(settings, Console(highlight=False)))
        return
    if remove:
        if not _run(devices.remove_device(settings, title)):
            _fail(f"There is no device {title}.")
        return
    try:
        about = (title, institution, address, use or [], character_set, calls_from or [])
        entry = devices.device_of(*about, tls=tls, authority=authority, certificates=certificate or [])
        _run(devices.put_device(settings, entry))
    except devices.WrongDevice as error:
        _fail(f"{error}.")


app.add_typer(account_app(_settings, _run, _fail), name="account")
LANGUAGE = Annotated[str, typer.Option("--lang", help="zh-CN or en; left out: as the locale says")]


def _language(asked: str) -> str:
    """Return the language that was asked for, or that of the shell."""
    from telemed.web.i18n import LANGUAGES, match_language

    if asked and match_language(asked) is None:
        _fail(f"There is no language {asked}; there are {', '.join(LANGUAGES)}.")
    shell = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG")
    return match_language(asked or shell) or "en"


def _say_all(sentences: Sequence[str]) -> NoReturn:
    """Say each sentence on a line of its own, and that nothing was changed."""
    for sentence in sentences:
        console.print(Text.assemble(("telemed: ", "bold red"), sentence), soft_wrap=True)
    sys.exit(CANNOT_START)


@region_app.command("export")
def region_export(
    file: Annotated[Path | None, typer.Argument(help="File to write; standard output when left out")] = None,
) -> None:
    """Write the region as TOML: institutions, hubs, duty, home hubs, holidays, devices, settings."""
    from telemed import region_command

    settings = _settings()
    try:
        _run(region_command.export_region(settings, file))
    except OSError as error:
        _fail(f"{file} cannot be written ({error.strerror}).")


@region_app.command("import")
def region_import(
    file: Annotated[Path, typer.Argument(help="The region's file")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing")] = False,
    lang: LANGUAGE = "",
) -> None:
    """Take the region from its file, all or nothing, and print what changed. What the file leaves out is switched off."""
    from telemed import region_command
    from telemed.web.i18n import speaking

    settings = _settings()
    with speaking(_language(lang)):
        try:
            changes = _run(region_command.import_region(settings, file, dry_run=dry_run))
        except region_command.WrongRegion as wrong:
            _say_all(wrong.sentences)
        region_command.show_changes(changes, Console(highlight=False), dry_run=dry_run)


@app.command()
def setup(
    file: Annotated[Path | None, typer.Option("--file", help="The region's file; without it questions are asked")] = None,
    administrators: Annotated[
        str, typer.Option("--administrators", help="system=USER:NAME,security=USER:NAME,audit=USER:NAME,operator=USER:NAME")
    ] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read their first passwords from standard input, one a line, in that order")
    ] = False,
    one_time: Annotated[bool, typer.Option("--one-time", help="Make first passwords and print them once; ask for none")] = False,
    example: Annotated[bool, typer.Option("--example", help="Print an example of a region's file")] = False,
    lang: LANGUAGE = "",
) -> None:
    """Set up an empty installation: the region, three administrators and the network's operator."""
    from telemed import setup_command as steps
    from telemed.region_command import WrongRegion
    from telemed.web.i18n import gettext, speaking

    if example:
        sys.stdout.write(steps.example_file())
        return
    if password_stdin and (one_time or file is None):
        _fail("--password-stdin goes with --file and without --one-time: standard input cannot answer questions as well.")
    settings = _settings()
    with speaking(_language(lang)):
        _prepare(settings)
        _run(_migrate(settings))
        try:
            _run(steps.must_be_empty(settings))
            region, people = steps.answers(file, administrators)
            people = steps.with_passwords(settings, people, from_stdin=password_stdin, one_time=one_time)
            steps.welcome(settings, people, _run(steps.set_up(settings, region, people)), Console(highlight=False))
        except steps.CannotSetUp as error:
            _say_all([str(error)])
        except WrongRegion as wrong:
            _say_all(wrong.sentences)
        except (EOFError, KeyboardInterrupt, typer.Abort):
            _say_all([gettext("Setting up was broken off: nothing was changed.")])
