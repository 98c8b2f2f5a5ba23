"""`telemed account`, beside an installation that runs: the same use cases, the same refusals, the same record."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.installation import ROOT, Installation

SECRET = "蓝天-白云-2026"
WANG = ("wang.li", "--name", "王莉", "--institution", "HUBA", "--role", "specialist", "--centre", "imaging")


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """Processes of their own, by the machine's clock as the command is."""
    installation = Installation(tmp_path_factory.mktemp("accounts"))
    await installation.start()
    yield installation
    await installation.stop()


async def account(running: Installation, *words: str, typed: str = "", **settings: str) -> tuple[int, str]:
    """Exit status, and everything that was printed; `typed` is what is answered to questions."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "telemed", "account", *words, cwd=ROOT, env=running.environment | {"COLUMNS": "250"} | settings,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate(typed.encode())
    return process.returncode or 0, said.decode()


async def posted(running: Installation, path: str, **body: Any) -> int:
    async with aiohttp.ClientSession() as http, http.post(running.home + path, **body) as answer:
        return answer.status


async def sign_in(running: Installation, username: str, password: str) -> int:
    return await posted(running, "/api/v1/login", json={"username": username, "password": password})


async def test_from_the_shell_to_the_first_sign_in_and_out_again(running: Installation) -> None:
    status, said = await account(running, "create", *WANG)
    assert status == 0, said
    (path,) = re.findall(r"/invitation/\S+", said)
    assert await posted(running, path, data={"password": SECRET, "again": SECRET}) == 200
    assert await sign_in(running, "wang.li", SECRET) == 200
    assert "1 sessions end, 0 open cases" in (await account(running, "leave", "wang.li", "--dry-run"))[1]
    assert "127.0.0.1" in (await account(running, "sessions", "wang.li"))[1]
    assert "1 sessions ended" in (await account(running, "sessions", "wang.li", "--end"))[1]
    assert (await account(running, "disable", "wang.li"))[0] == 0
    assert await sign_in(running, "wang.li", SECRET) == 401
    assert (await account(running, "enable", "wang.li"))[0] == 0
    assert await sign_in(running, "wang.li", SECRET) == 200
    assert (await account(running, "leave", "wang.li"))[0] == 0
    assert await sign_in(running, "wang.li", SECRET) == 401
    trail = (await running.call("auditor", "GET", "/audit?subject=person/wang.li&actor=command-line"))[1]["items"]
    acts = [line["action"] for line in reversed(trail)]
    assert [each for each in acts if each != "account:read"] == [
        "account:create", "account:invite", "account:end-sessions", "account:disable", "account:enable", "account:leave",
    ]  # fmt: skip


async def test_roles_list_and_reset(running: Installation) -> None:
    assert (await account(running, "create", "zhao.li", *WANG[1:]))[0] == 0
    status, said = await account(running, "roles", "zhao.li", "--role", "specialist", "--role", "reviewer", "--centre", "ecg")
    assert (status, "reviewer, specialist" in said) == (0, True)
    listed = (await account(running, "list", "zhao", "--state", "invited"))[1]
    assert "王莉" in listed
    assert "clinic1" not in listed
    again = (await account(running, "invite", "zhao.li"))[1]
    assert "/invitation/" in again
    assert "/invitation/" in (await account(running, "reset", "clinic1"))[1]
    for _ in range(5):
        await sign_in(running, "clinic2", "wrong")
    assert (await account(running, "unlock", "clinic2"))[0] == 0
    assert await sign_in(running, "clinic2", "telemed-demo") == 200


@pytest.mark.parametrize(
    ("profile", "password", "words"),
    [
        ("asvs", "password123", "everybody tries first"),
        ("asvs", "wang.yi-2026", "easily guessed here: wang.yi"),
        ("asvs", "sturmunddrang", ""),
        ("mlps3", "sturmunddrang", "too few kinds"),
        ("mlps3", "Sturm7", "too short"),
    ],
)
async def test_a_first_password_keeps_the_rules_of_the_profile(running: Installation, profile: str, password: str, words: str) -> None:
    make = ("create", "wang.yi", *WANG[1:], "--with-password")
    status, said = await account(running, *make, typed=f"{password}\n{password}\n", TELEMED_PROFILE=profile)
    assert (status == 0, words in said) == (not words, True), said
    if not words:
        async with aiohttp.ClientSession() as http:
            body = {"username": "wang.yi", "password": password}
            async with http.post(f"{running.home}/api/v1/login", json=body) as answer:
                assert (await answer.json())["required"] == ["password-change"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("disable", "nobody"), "There is no account nobody"),
        (("create", "clinic1", *WANG[1:]), "somebody's already"),
        (("create", "x", "--name", "x", "--institution", "HUBA", "--role", "king"), "username must be 2 to 32"),
        (("disable", "secadmin"), "Nobody else could administer accounts"),
        (("invite", "clinic3"), "has a password: use reset"),
        (("leave", "nobody", "--dry-run"), "There is no account nobody"),
    ],
)
async def test_what_is_refused_is_one_sentence(running: Installation, words: tuple[str, ...], expected: str) -> None:
    status, said = await account(running, *words)
    assert status != 0
    assert expected in said
    assert "Traceback" not in said
