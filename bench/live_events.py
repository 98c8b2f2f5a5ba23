"""What one change costs while people have their lists open: processor time of the web process.

    python -m bench.live_events [--listeners 50] [--events 40] [--cases 100000] [--ask]

Starts the web role on SQLite with made-up cases. A case is claimed and given back, once without listeners and once with so many open
worklists of one hub, which hear of it in the live feed; the difference, divided by the events, is what a change costs. With `--ask` each
list asks for its rows and its figures, as it would if the feed told it nothing but that something has changed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

import aiohttp

from bench.machine import children_time, describe_machine
from bench.worklist import READER, fill, free_port, sign_in, web_role
from telemed.adapters.database.confidential import Sealer
from telemed.adapters.database.engine import make_engine
from telemed.adapters.database.migrate import migrate
from telemed.centres import migrations
from telemed.demo.run import put_region
from telemed.settings import Settings

APART = 1.0  # seconds from one change to the next: each is told alone


async def listen(http: aiohttp.ClientSession, headers: dict[str, str], ask: bool, told: list[int]) -> None:
    """An open worklist: counts what it was told, or asks for it."""
    page = "" if ask else "?page=/worklist"
    async with http.get(f"/api/v1/events{page}", headers=headers, timeout=aiohttp.ClientTimeout(None)) as stream:
        async for line in stream.content:
            if line.startswith(b'data: {"ids"') and b'"rows"' in line:
                told[0] += 1
            if ask and line.startswith(b'data: {"') and b"case_id" in line:
                for path in (f"/worklist/rows?ids={json.loads(line[6:])['case_id']}", "/worklist/counts"):
                    async with http.get(path, headers=headers) as answer:
                        told[0] += answer.status == 200
                        await answer.read()


async def change(http: aiohttp.ClientSession, headers: dict[str, str], case: str, events: int) -> float:
    """Seconds of processor time while so many steps are taken."""
    before = children_time()
    for number in range(events):
        step = "release" if number % 2 else "claim"
        async with http.post(f"/api/v1/cases/{case}/{step}", json={}, headers=headers) as answer:
            if answer.status != 200:
                raise SystemExit(f"{step}: {answer.status}")
        await asyncio.sleep(APART)
    return children_time() - before


async def measure(address: str, listeners: int, events: int, ask: bool) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(address, connector=connector) as http:
        sessions = [{"Authorization": f"Bearer {await sign_in(http, address, READER)}"} for _ in range(listeners)]
        headers = sessions[0]
        async with http.get("/api/v1/cases?view=unclaimed&limit=1", headers=headers) as answer:
            case = (await answer.json())["items"][0]["id"]
        await change(http, headers, case, 4)
        alone = await change(http, headers, case, events)
        told = [0]
        listening: list[asyncio.Task[Any]] = [asyncio.create_task(listen(http, each, ask, told)) for each in sessions]
        await asyncio.sleep(3)
        heard = await change(http, headers, case, events)
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
    print(f"a step alone                {1000 * alone / events:7.1f} ms of processor time")
    print(f"a step that {listeners:3} lists hear  {1000 * heard / events:7.1f} ms")
    print(f"the change itself           {1000 * (heard - alone) / events:7.1f} ms, {told[0] / events:.1f} answers each")


async def run(listeners: int, events: int, cases: int, ask: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="telemed-bench-") as folder:
        settings = Settings(data_dir=Path(folder), database_url="", http_port=free_port(), host="127.0.0.1")
        engine = make_engine(settings.database, sealer=Sealer.of(settings.data_dir / "keys" / "identity.key"))
        await migrate(engine, migrations())
        await put_region(settings)
        await fill(engine, cases)
        await engine.dispose()
        async with web_role(settings) as address:
            await measure(address, listeners, events, ask)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listeners", type=int, default=50)
    parser.add_argument("--events", type=int, default=40)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--ask", action="store_true", help="the lists ask for rows and figures by themselves")
    asked = parser.parse_args()
    print(describe_machine())
    asyncio.run(run(asked.listeners, asked.events, asked.cases, asked.ask))


if __name__ == "__main__":
    main()
