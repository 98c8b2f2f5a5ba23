"""`telemed region` and `telemed setup` as who has the machine uses them: exit status, sentences, and what stands in the database."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from telemed.adapters.database import tables as t
from telemed.adapters.database.engine import make_engine
from telemed.adapters.passwords import Argon2Passwords
from telemed.cli import app
from telemed.settings import Settings
from telemed.setup_command import example_file
from telemed.supervisor import CANNOT_START

EXAMPLE = example_file()
PASSWORDS = "first-one\nsecond-one\nthird-one\nfourth-one\n"


class Machine:
    """One installation and its shell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(app, [*arguments, *(["--lang", "en"] if "export" not in arguments else [])], input=typed)

    def rows(self, *columns: sa.Column[object], where: sa.ColumnElement[bool] | None = None) -> list[tuple[object, ...]]:
        async def ask() -> list[tuple[object, ...]]:
            engine = make_engine(Settings().database)
            async with engine.connect() as connection:
                found = await connection.execute(sa.select(*columns).where(where if where is not None else sa.true()))
                rows = [tuple(row) for row in found]
            await engine.dispose()
            return rows

        return asyncio.run(ask())

    def file(self, text: str) -> str:
        path = self.folder / "region.toml"
        path.write_text(text, encoding="utf-8")
        return str(path)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """An empty folder."""
    monkeypatch.setenv("TELEMED_DATA_DIR", str(tmp_path / "data"))
    return Machine(tmp_path)


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, region_database: Path) -> Machine:
    """The demo region, whose people are there."""
    (tmp_path / "data").mkdir()
    shutil.copyfile(region_database, tmp_path / "data" / "telemed.db")
    monkeypatch.setenv("TELEMED_DATA_DIR", str(tmp_path / "data"))
    return Machine(tmp_path)


def test_a_region_and_its_first_people_without_questions(machine: Machine) -> None:
    who = "system=li.hua:李华,audit=zhao"
    done = machine.run("setup", "--file", machine.file(EXAMPLE), "--administrators", who, "--password-stdin", typed=PASSWORDS)
    assert done.exit_code == 0, done.output
    people = machine.rows(t.person.c.username, t.person.c.name, t.person.c.institution, t.person.c.must_change_password)
    assert sorted(people) == [
        ("li.hua", "李华", "NETWORK", True),
        ("operator", "Network operator", "NETWORK", True),
        ("secadmin", "Security administrator", "NETWORK", True),
        ("zhao", "zhao", "NETWORK", True),
    ]
    roles = machine.rows(t.person.c.roles, where=t.person.c.username == "zhao")
    assert roles == [(frozenset({"auditor"}),)]
    hashed = str(machine.rows(t.person.c.password_hash, where=t.person.c.username == "zhao")[0][0])
    assert asyncio.run(Argon2Passwords().matches(hashed, "third-one"))
    assert "first-one" not in done.output
    assert len(machine.rows(t.institution.c.code)) == 6
    actions = [row[0] for row in machine.rows(t.audit.c.action)]
    assert actions.count("account:create") == 4
    assert "region:manage" in actions


def test_passwords_that_are_made_are_shown_once_and_are_right(machine: Machine) -> None:
    done = machine.run("setup", "--file", machine.file(EXAMPLE), "--one-time")
    assert done.exit_code == 0, done.output
    shown = dict(re.findall(r"^  (\S+)  ([a-z0-9]{5}(?:-[a-z0-9]{5}){3})  ", done.output, re.MULTILINE))
    assert set(shown) == {"sysadmin", "secadmin", "auditor", "operator"}
    assert len(set(shown.values())) == 4
    for username, hashed in machine.rows(t.person.c.username, t.person.c.password_hash):
        assert asyncio.run(Argon2Passwords().matches(str(hashed), shown[str(username)]))


def test_who_has_people_is_not_set_up_again(machine: Machine) -> None:
    assert machine.run("setup", "--file", machine.file(EXAMPLE), "--one-time").exit_code == 0
    before = machine.rows(t.person.c.username, t.person.c.password_hash)
    again = machine.run("setup", "--file", machine.file(EXAMPLE.replace("000-0000-1001", "1")), "--one-time")
    assert again.exit_code == CANNOT_START
    assert "telemed region import" in again.output
    assert machine.rows(t.person.c.username, t.person.c.password_hash) == before
    assert machine.rows(t.institution.c.phone, where=t.institution.c.code == "CITY") == [("000-0000-1001",)]


REFUSED = [
    (["--administrators", "boss=x"], PASSWORDS, EXAMPLE, "names no administrator"),
    (["--administrators", "system=Li Hua"], PASSWORDS, EXAMPLE, "small letters"),
    (["--administrators", "system=same,audit=same"], PASSWORDS, EXAMPLE, "same"),
    ([], "first-one\n", EXAMPLE, "4 lines"),
    ([], PASSWORDS.replace("third-one", "kzqwmfy"), EXAMPLE, "too short"),
    ([], PASSWORDS.replace("third-one", "kz" * 101), EXAMPLE, "longer than"),
    ([], PASSWORDS.replace("third-one", "telemed-third-one"), EXAMPLE, "easily guessed"),
    ([], PASSWORDS.replace("third-one", "password1"), EXAMPLE, "tries first"),
    ([], PASSWORDS, EXAMPLE.replace('level = "operator"', 'level = "member"'), "level operator"),
    ([], PASSWORDS, EXAMPLE.replace("reader_cap = 10", "reader_cap = 0"), "Line 99, column 14"),
]


@pytest.mark.parametrize(("options", "typed", "text", "said"), REFUSED, ids=[said for *_, said in REFUSED])
def test_what_cannot_be_set_up_is_said_and_nothing_is_there(machine: Machine, options: list[str], typed: str, text: str, said: str) -> None:
    done = machine.run("setup", "--file", machine.file(text), "--password-stdin", *options, typed=typed)
    assert done.exit_code == CANNOT_START
    assert said in done.output
    assert "Traceback" not in done.output
    assert machine.rows(t.person.c.username) == machine.rows(t.institution.c.code) == machine.rows(t.audit.c.action) == []


@pytest.mark.parametrize("length", [8, 200])
def test_the_shortest_and_the_longest_password(machine: Machine, length: int) -> None:
    done = machine.run("setup", "--file", machine.file(EXAMPLE), "--password-stdin", typed=f"{('kzqwmfyb' * 25)[:length]}\n" * 4)
    assert done.exit_code == 0, done.output


ANSWERS = [
    "城东远程诊断网", "", "CITY", "市第一医院", "江临市", "钟楼区", "000-1", "",
    "COUNTY", "", "县医院", "", "", "", "1,2", "",
    "BAD|", "CLINIC", "卫生院", "江临市", "江北区", "", "COUNTY", "",
    "", "", "sysadmin", "sec", "王芳", "", "赵敏", "", "",
]  # fmt: skip


def test_the_questions_lead_to_a_region_and_its_people(machine: Machine) -> None:
    done = machine.run("setup", "--one-time", typed="\n".join(ANSWERS) + "\n")
    assert done.exit_code == 0, done.output
    assert sorted(machine.rows(t.institution.c.code, t.institution.c.level)) == [
        ("CITY", "main-hub"), ("CLINIC", "member"), ("COUNTY", "sub-hub"), ("NETWORK", "operator"),
    ]  # fmt: skip
    above = machine.rows(t.hub_service.c.parent, where=t.hub_service.c.hub == "COUNTY")
    assert above == [("CITY",), ("CITY",)]
    homes = machine.rows(t.home_hub.c.hub)
    assert homes.count(("COUNTY",)) == 2
    assert homes.count(("CITY",)) == 3
    assert {row[0] for row in machine.rows(t.person.c.username)} == {"sysadmin", "sec", "auditor", "operator"}
    assert ("network-name", "城东远程诊断网") in machine.rows(t.region_setting.c.name, t.region_setting.c.value)


def test_questions_that_nobody_answers_change_nothing(machine: Machine) -> None:
    done = machine.run("setup", typed="\n".join(ANSWERS[:9]))
    assert done.exit_code == CANNOT_START
    assert "nothing was changed" in done.output
    assert machine.rows(t.institution.c.code) == []


def test_the_example_is_printed(machine: Machine) -> None:
    assert machine.run("setup", "--example").stdout == EXAMPLE


def test_a_region_goes_out_and_in_again_without_a_change(demo: Machine) -> None:
    first, second = demo.folder / "first.toml", demo.folder / "second.toml"
    assert demo.run("region", "export", str(first)).exit_code == 0
    taken = demo.run("region", "import", str(first))
    assert taken.exit_code == 0, taken.output
    assert "Nothing differs" in taken.output
    assert demo.run("region", "export", str(second)).exit_code == 0
    assert first.read_bytes() == second.read_bytes() == demo.run("region", "export").stdout.encode()
    assert "demonstration" not in first.read_text()
    assert demo.rows(t.audit.c.action, where=t.audit.c.action == "region:manage") == []


def test_what_a_file_adds_changes_and_leaves_out(demo: Machine) -> None:
    text = demo.run("region", "export").stdout
    left_out = re.sub(r'\[\[institution\]\]\ncode = "CLINIC3".*?\n\n', "", text, flags=re.DOTALL)
    left_out = re.sub(r'\[\[(home|device)\]\]\n(member|title) = "CLINIC3".*?\n\n', "", left_out, flags=re.DOTALL)
    new = '\n[[institution]]\ncode = "CLINIC4"\nname = "新诊所"\nlevel = "member"\n\n[[home]]\nmember = "CLINIC4"\necg = "HUBB"\n'
    added = left_out.replace("[settings]", f"{new}\n[settings]")
    file = demo.file(added.replace("000-0000-2001", "025-1234"))
    tried = demo.run("region", "import", file, "--dry-run")
    assert tried.exit_code == 0, tried.output
    assert "- removed  Institution CLINIC3: switched off, not deleted" in tried.output
    assert "+ added  Institution CLINIC4" in tried.output
    assert "~ changed  Institution CLINIC1: phone 000-0000-2001 → 025-1234" in tried.output
    assert demo.rows(t.institution.c.code, where=t.institution.c.code == "CLINIC4") == []
    done = demo.run("region", "import", file)
    assert done.exit_code == 0, done.output
    assert demo.rows(t.institution.c.active, where=t.institution.c.code == "CLINIC3") == [(False,)]
    assert demo.rows(t.home_hub.c.hub, where=t.home_hub.c.member == "CLINIC4") == [("HUBB",)]
    assert demo.rows(t.home_hub.c.hub, where=t.home_hub.c.member == "CLINIC3") == []
    said = demo.rows(t.audit.c.detail, where=t.audit.c.subject == "institution/CLINIC1")
    assert said == [({"step": "changed", "fields": ["phone"], "values": {"phone": ["000-0000-2001", "025-1234"]}},)]
    assert "Nothing differs" in demo.run("region", "import", file).output


def test_a_file_that_is_wrong_in_one_place_changes_nothing(demo: Machine) -> None:
    text = demo.run("region", "export").stdout
    wrong = text.replace("000-0000-2001", "025-1234").replace('parent = "MAIN"', 'parent = "HUBA"', 1)
    done = demo.run("region", "import", demo.file(wrong))
    assert done.exit_code == CANNOT_START
    assert re.search(r"Line \d+, column \d+: parent: HUBA cannot be the hub above itself", done.output)
    assert demo.rows(t.institution.c.phone, where=t.institution.c.code == "CLINIC1") == [("000-0000-2001",)]


def test_a_file_that_is_not_there_is_said(demo: Machine) -> None:
    done = demo.run("region", "import", str(demo.folder / "none.toml"))
    assert done.exit_code == CANNOT_START
    assert "none.toml" in done.output
    assert demo.run("region", "export", str(demo.folder / "no" / "x.toml")).exit_code == CANNOT_START


@pytest.mark.parametrize("role", [(), ("web",)])
def test_an_empty_installation_says_what_to_do_and_does_not_start(machine: Machine, role: tuple[str, ...]) -> None:
    assert CliRunner().invoke(app, ["migrate"]).exit_code == 0
    done = CliRunner().invoke(app, ["serve", *role])
    assert done.exit_code == CANNOT_START
    assert "telemed setup" in done.output
    assert "telemed demo" in done.output
    assert sum(line.startswith("telemed:") for line in done.output.splitlines()) == 1


@pytest.mark.parametrize("command", ["demo", "serve"])
def test_the_demo_stays_on_its_machine(demo: Machine, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("TELEMED_HOST", "192.0.2.1")
    done = CliRunner().invoke(app, [command])
    assert done.exit_code == CANNOT_START
    assert "TELEMED_DEMO_EXPOSED" in done.output


def test_the_demo_goes_further_where_that_is_meant(demo: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has the address: the start ends there and not before."""
    monkeypatch.setenv("TELEMED_HOST", "192.0.2.1")
    monkeypatch.setenv("TELEMED_DEMO_EXPOSED", "true")
    done = CliRunner().invoke(app, ["serve"])
    assert done.exit_code == CANNOT_START
    assert "TELEMED_DEMO_EXPOSED" not in done.output
