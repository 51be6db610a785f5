"""Owns a process that sends the messages of one tenant once, to be killed while it does."""

import asyncio
import sys
from datetime import datetime

from duro.adapters.smtp import MailServer, SmtpMailer
from duro.kit.clock import FixedClock
from duro.kit.modes import Mode
from duro.kit.work import WorkScope
from duro.modules.messages.channels import Channels
from duro.modules.messages.contacts import People
from duro.modules.messages.links import OptOutLinks
from duro.modules.messages.sending import BATCH, Sender
from duro.runtime.pools import open_database


async def main(database_url: str, tenant_id: str, port: str, instant: str) -> None:
    clock = FixedClock(datetime.fromisoformat(instant))
    db = await open_database(database_url, clock=clock)
    server = MailServer.read(f"smtp://127.0.0.1:{port}")
    mailer = SmtpMailer(server, "billing@pay.example", clock)
    sender = Sender(
        Channels(mailer), OptOutLinks("https://pay.example", b"k" * 32), People(b"p" * 32)
    )
    await sender.run(WorkScope(db, Mode.LIVE, tenant_id), BATCH)
    await mailer.close()
    await db.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
