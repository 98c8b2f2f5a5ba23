"""The cumulative view of a patient with many results: time and processor time of a request, in one process with its server.

    python -m bench.lab_pages [--results 400] [--requests 100]

Makes a demo region of its own in SQLite, sends the results of one patient through the intake (20 tests a visit), and asks for the page
and for the courses of twelve tests.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import aiohttp
from aiohttp.test_utils import TestServer

from bench.machine import describe_machine
from lab import catalogue
from telemed import bootstrap
from telemed.adapters.database.engine import make_engine
from telemed.adapters.database.migrate import migrate
from telemed.adapters.passwords import Argon2Passwords
from telemed.centres import migrations
from telemed.centres.lab.adapters.message_intake import MessageIntake
from telemed.centres.lab.intake import Caller
from telemed.demo.region import PASSWORD
from telemed.demo.run import put_region
from telemed.extension import Parts
from telemed.roles.web import web_application
from telemed.settings import Settings

A_VISIT = 20
"""Tests of one message."""


async def fill(parts: Parts, results: int) -> None:
    """Send the results of patient BENCH of CLINIC1, a visit a week."""
    intake, now = MessageIntake(parts.application), parts.application.now()
    tests = [item for item in catalogue.items() if item.loinc][: A_VISIT * 2]
    for visit in range(-(-results // A_VISIT)):
        stamp = f"{now - timedelta(weeks=visit + 1):%Y%m%d%H%M%S+0000}"
        some = tests[A_VISIT * (visit % 2) :][:A_VISIT]
        segments = [
            f"MSH|^~\\&|LIS|CLINIC1|T|N|{stamp}||ORU^R01^ORU_R01|B{visit}|P|2.5.1|||AL|NE||UNICODE UTF-8",
            "PID|1||BENCH^^^CLINIC1^MR||某人||19610305|M",
            f"OBR|1|B{visit}|B{visit}|P^P^L|||{stamp}|||||||||||||||{stamp}||LAB|F",
        ]
        segments += [
            f"OBX|{n}|NM|{item.loinc}^{item.name_zh}^LN||{(visit * 7 + n * 13) % 90 + 10}|{item.ucum}|20-80||||F|||{stamp}"
            for n, item in enumerate(some, 1)
        ]
        await intake.take(("\r".join(segments) + "\r").encode(), Caller("127.0.0.1"))
    await intake.close()


async def measure(http: aiohttp.ClientSession, path: str, requests: int) -> str:
    """Time and processor time of a request to the page, the client's share included."""
    times: list[float] = []
    begun = time.process_time()
    for _ in range(requests):
        start = time.perf_counter()
        async with http.get(path) as answer:
            size = len(await answer.read())
        times.append((time.perf_counter() - start) * 1000)
    spent = (time.process_time() - begun) * 1000 / requests
    ordered = sorted(times)
    p95 = ordered[int(len(ordered) * 0.95) - 1]
    return f"p50 {statistics.median(times):.1f} ms, p95 {p95:.1f} ms, processor {spent:.1f} ms, {size / 1024:.0f} KiB"


async def run(results: int, requests: int) -> None:
    with tempfile.TemporaryDirectory(prefix="telemed-bench-") as folder:
        settings = Settings(data_dir=Path(folder))
        engine = make_engine(settings.database)
        await migrate(engine, migrations())
        await engine.dispose()
        await put_region(settings, Argon2Passwords())
        async with bootstrap.open_parts(settings) as parts:
            await fill(parts, results)
            server = TestServer(web_application(parts), host="127.0.0.1")
            await server.start_server()
            async with aiohttp.ClientSession(server.make_url("/")) as http:
                async with http.post("/api/v1/login", json={"username": "clinic1", "password": PASSWORD}) as answer:
                    http.headers["Authorization"] = f"Bearer {(await answer.json())['token']}"
                async with http.get("/api/v1/lab/results?member=CLINIC1&patient=BENCH") as answer:
                    found = (await answer.json())["items"]
                page = f"/lab/patients/{found[0]['id']}"
                twelve = "&".join(f"item={code}" for code in dict.fromkeys(each["code"]["wst886"] for each in found))
                await measure(http, page, 5)
                print(describe_machine())
                print(f"{len(found)} results: table    {await measure(http, page, requests)}")
                print(f"{len(found)} results: courses  {await measure(http, f'{page}/trends?{twelve}', requests)}")
            await server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=int, default=400)
    parser.add_argument("--requests", type=int, default=100)
    arguments = parser.parse_args()
    asyncio.run(run(arguments.results, arguments.requests))
