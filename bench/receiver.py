"""A receiver of webhooks as a process of its own: `python -m bench.receiver` prints its port and answers 204."""

import asyncio
import sys

from aiohttp import web

from duro.runtime.serve import run_loop


async def main() -> None:
    async def receive(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/{tail:.*}", receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    run_loop(main())
