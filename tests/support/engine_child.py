"""Owns a process that starts the engines and then waits to be killed, with the standard library only.

`engine_child.py DIRECTORY [durable|throw-away] [stay|leave]` prints one line of JSON when it is
ready: the identity of both servers, and whom the database sees. An `EngineError` ends it with 3.
"""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from duro.runtime.engines import EngineError, find_tool, start_engines


def whom_it_sees(url: str) -> str:
    asked = [str(find_tool("psql")), "-XAt", "-d", url, "-c", "SELECT current_user"]
    return subprocess.check_output(asked, text=True).strip()  # noqa: S603 - our own psql and address


async def main(directory: str, durability: str = "durable", end: str = "leave") -> None:
    running = await start_engines(
        data_dir=Path(directory), durable=durability == "durable", log=lambda _line: None
    )
    async with running:
        engines = running.engines
        seen = await asyncio.to_thread(whom_it_sees, engines.database_url)
        told = {"user": seen, "pids": running.pids(), "databaseUrl": engines.database_url}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        if end == "stay":
            await asyncio.sleep(60)


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:]))
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(3)
