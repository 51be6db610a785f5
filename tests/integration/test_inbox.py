"""Shows the inbox of `duro dev`: to whom a message goes, when it goes out, and which ones never do."""

import re
from datetime import datetime, timedelta
from typing import Final

import aiohttp
from aiohttp.test_utils import TestServer

from duro.kit.db import Database
from duro.kit.modes import Mode
from duro.kit.work import WorkScope
from duro.modules.messages.channels import Channels
from duro.modules.messages.contacts import People
from duro.modules.messages.links import OptOutLinks
from duro.modules.messages.model import NewMessage
from duro.modules.messages.repository import OutboxRepository
from duro.modules.messages.sending import Sender
from duro.modules.messages.wording import Wording
from duro.runtime.inbox import PAGE, Inbox

_LATER: Final = timedelta(hours=9, minutes=30)


def _reminder(cause: str, at: datetime, address: str | None = None) -> NewMessage:
    to = None if address else "cus_1"
    return NewMessage("renewal_reminder", to, cause, {"amount": 500_000}, at, address)


async def test_the_inbox_says_what_waits_and_what_is_never_sent(db: Database, tenant: str) -> None:
    async with db.begin(Mode.TEST, tenant) as tx:
        outbox = OutboxRepository(tx)
        await outbox.add([_reminder(f"n{n}", tx.now, "bola@example.com") for n in range(8)])
        await outbox.add([_reminder("night", tx.now + _LATER, "<ada>@example.com")])
        morning = f"{tx.now + _LATER:%Y-%m-%d %H:%M}"
    links, people = OptOutLinks("https://pay.example", b"k" * 32), People(b"p" * 32)
    sender = Sender(Channels(is_caught=True), links, people)
    await sender.run(WorkScope(db, Mode.TEST, tenant), 100)

    async with TestServer(Inbox(db, tenant).app()) as server, aiohttp.ClientSession() as browser:
        page = await browser.get(server.make_url(PAGE))
        text = await page.text()

    messages = re.findall(r"<details>.*?</details>", text, re.DOTALL)
    assert len(messages) == 9
    (capped,) = [each for each in messages if "has had the reminders of this week" in each]
    assert "<dd>capped</dd>" in capped
    (delayed,) = [each for each in messages if "waits for the morning" in each]
    assert f"waits for the morning: {morning} UTC" in delayed
    assert "to &lt;ada&gt;@example.com" in delayed


async def test_a_message_is_shown_with_its_headers_text_and_html_in_a_frame(
    db: Database, tenant: str
) -> None:
    wording = Wording(db, OptOutLinks("https://pay.example", b"k" * 32))
    async with db.begin(Mode.TEST, tenant) as tx:
        for address in ("ada@example.com", "+2348012345678"):
            await OutboxRepository(tx).add([_reminder(address, tx.now, address)])

    app = Inbox(db, tenant, wording=wording).app()
    async with TestServer(app) as server, aiohttp.ClientSession() as browser:
        page = await (await browser.get(server.make_url(PAGE))).text()
        links = re.findall(r'href="(/dev/inbox/messages/msg_\w+)"', page)
        chat, mail = [await (await browser.get(server.make_url(link))).text() for link in links]
        html = await browser.get(server.make_url(f"{links[1]}/html"))
        lost = await browser.get(server.make_url(f"{PAGE}/messages/msg_nonsense"))

    assert "<dt>Message-ID</dt>" in mail
    assert "<dt>List-Unsubscribe</dt>" in mail
    assert 'sandbox="allow-popups"' in mail
    assert "No more reminders: https://pay.example/messages/stop/" in mail
    assert "duro_renewal_reminder" in chat
    assert "sandbox allow-popups" in html.headers["Content-Security-Policy"]
    assert "Your subscription renews soon" in await html.text()
    assert lost.status == 404
