"""How long a signed-in doctor's signature takes while strangers try to sign in.

    python -m bench.signin [--strangers 200] [--rounds 3]

Starts the web role on SQLite, signs one report alone, then one while so many strangers try to sign in at once, each with a name of
their own, from addresses of their own (127.0.1.1 and on, Linux). Prints the seconds of both, their ratio, what the strangers
were answered and how long the last of them waited.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp

from bench.machine import describe_machine
from bench.worklist import free_port, web_role
from telemed.adapters.database.engine import make_engine
from telemed.adapters.database.migrate import migrate
from telemed.centres import migrations
from telemed.demo import region
from telemed.demo.run import put_region
from telemed.settings import Settings

CASE = {
    "centre": "imaging",
    "patient": {"name": "张伟", "sex": "male", "birth_date": "1961-03-05"},
    "request": {"modality": "CT", "body_part": "HEAD", "reason": "头痛三天"},
}
REPORT = {"sections": {"findings": "颅内未见异常密度影。", "impression": "未见明显异常。"}}
AT_THE_DOOR = 0.3
"""Seconds after the strangers: by then they stand in the queue."""

Session = aiohttp.ClientSession


async def call(http: Session, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
    async with http.request(method, f"/api/v1{path}", json=body, headers=headers) as answer:
        content = await answer.json()
        if answer.status >= 400:
            raise SystemExit(f"{method} {path}: {answer.status} {content}")
        return content


async def signed_in(http: Session, username: str) -> dict[str, str]:
    signed = await call(http, "POST", "/login", {"username": username, "password": region.PASSWORD})
    return {"Authorization": f"Bearer {signed['token']}"}


async def written(http: Session, clinic: dict[str, str], doctor: dict[str, str]) -> str:
    """A report that waits for its signature; returns the address of its case."""
    path = f"/cases/{(await call(http, 'POST', '/cases', CASE, clinic))['id']}"
    await call(http, "POST", path + "/submit", {}, clinic)
    await call(http, "POST", path + "/claim", {}, doctor)
    await call(http, "PUT", path + "/report", REPORT, doctor | {"If-Match": "*"})
    return path


async def sign(http: Session, path: str, doctor: dict[str, str]) -> float:
    start = time.perf_counter()
    await call(http, "POST", path + "/report/sign", {"password": region.PASSWORD}, doctor)
    return time.perf_counter() - start


async def stranger(address: str, number: int) -> int:
    connector = aiohttp.TCPConnector(local_addr=(f"127.0.1.{number % 250 + 1}", 0))
    body = {"username": f"stranger{number}", "password": "wrong"}
    async with Session(connector=connector) as http, http.post(f"{address}/api/v1/login", json=body) as answer:
        return answer.status


async def measure(address: str, strangers: int, rounds: int) -> None:
    async with Session(address) as http:
        clinic, doctor = await signed_in(http, "clinic1"), await signed_in(http, "imaging.huba")
        await sign(http, await written(http, clinic, doctor), doctor)  # the process that prints starts with the first
        alone, beside, longest, answers = [], [], [], Counter[int]()
        for number in range(rounds):
            quiet, busy = await written(http, clinic, doctor), await written(http, clinic, doctor)
            alone.append(await sign(http, quiet, doctor))
            start = time.perf_counter()
            trying = [asyncio.create_task(stranger(address, number * strangers + n)) for n in range(strangers)]
            await asyncio.sleep(AT_THE_DOOR)
            beside.append(await sign(http, busy, doctor))
            answers.update(await asyncio.gather(*trying))
            longest.append(time.perf_counter() - start)
    before, during = statistics.median(alone), statistics.median(beside)
    print(f"signing alone                       {before:7.2f} s   (each: {', '.join(f'{s:.2f}' for s in alone)})")
    print(f"signing beside {strangers:4d} strangers        {during:7.2f} s   (each: {', '.join(f'{s:.2f}' for s in beside)})")
    print(f"ratio                               {during / before:7.1f}")
    print(f"the last stranger was answered after {max(longest):6.2f} s")
    print(f"strangers were answered              {', '.join(f'{status}: {n}' for status, n in sorted(answers.items()))}")


async def run(strangers: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="telemed-bench-") as folder:
        settings = Settings(data_dir=Path(folder), database_url="", http_port=free_port(), host="127.0.0.1")
        engine = make_engine(settings.database)
        await migrate(engine, migrations())
        await engine.dispose()
        await put_region(settings)
        async with web_role(settings) as address:
            await measure(address, strangers, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strangers", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print(describe_machine())
    print(f"load {os.getloadavg()[0]:.1f} at the start")
    asyncio.run(run(arguments.strangers, arguments.rounds))


if __name__ == "__main__":
    main()
