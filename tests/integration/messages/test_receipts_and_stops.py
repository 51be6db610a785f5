"""What comes back of messages over the public server: WhatsApp's word of them, and readers who have had enough."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from yarl import URL

from duro.errors import UnauthorizedError
from duro.kit.call import Credential
from duro.kit.gate import Gate, bearer
from duro.kit.http import build_app
from duro.modules.messages.links import OptOut
from duro.modules.messages.model import MessageStatus
from duro.modules.messages.receipts import Receipts
from duro.runtime.messaging import MessagePages
from tests.integration.messages.conftest import LINKS, Post
from tests.support.api import PUBLIC_URL
from tests.support.mail import FakeCloud, PostBox, parts

_SECRET: Final = "the app's secret"


@dataclass(frozen=True)
class Outside:
    """The public server as WhatsApp and readers see it."""

    session: aiohttp.ClientSession
    base: URL

    async def tell(self, body: object, *, secret: str = _SECRET, raw: bytes = b"") -> int:
        raw = raw or json.dumps(body).encode()
        signature = hmac.digest(secret.encode(), raw, hashlib.sha256).hex()
        headers = {"X-Hub-Signature-256": f"sha256={signature}"}
        url = self.base.with_path("/gateways/whatsapp")
        async with self.session.post(url, data=raw, headers=headers) as answer:
            return answer.status

    async def status(self, provider_id: str, word: str, at: int, **more: object) -> int:
        return await self.tell(_notice(provider_id, word, at, **more))

    async def ask(self, method: str, path: str, **options: object) -> tuple[int, str]:
        async with self.session.request(method, self.base.join(URL(path)), **options) as answer:  # type: ignore[arg-type] # whatever the client takes
            return answer.status, await answer.text()


def _notice(provider_id: str, word: str, at: int, **more: object) -> dict[str, object]:
    status = {"id": provider_id, "status": word, "timestamp": str(at), **more}
    value = {"messaging_product": "whatsapp", "statuses": [status]}
    return {"object": "whatsapp_business_account", "entry": [{"changes": [{"value": value}]}]}


async def _nobody(_token: str) -> Credential:
    raise AssertionError


@pytest.fixture
async def outside(post: Post) -> AsyncIterator[Outside]:
    app = build_app(
        routes=[],
        db=post.db,
        clock=post.clock,
        gate=Gate(bearer(_nobody)),
        public_url=PUBLIC_URL,
    )
    MessagePages(post.db, LINKS, Receipts(post.db, _SECRET, "a word of ours")).add_to(app)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        yield Outside(session, server.make_url("/"))


async def _sent(post: Post) -> None:
    await post.queue(address="+2348012345678", amount="₦1.00")
    await post.send()


async def test_what_whatsapp_tells_is_kept_and_never_goes_back(
    post: Post, cloud: FakeCloud, outside: Outside
) -> None:
    await _sent(post)
    seen = []

    for word, at in (("sent", 1), ("read", 3), ("delivered", 2), ("read", 3)):
        assert await outside.status("wamid.1", word, 1_769_590_000 + at) == 200
        seen.append((await post.message()).receipt)

    assert seen == ["sent", "read", "read", "read"]
    assert len(cloud.asked) == 1


async def test_a_failure_afterwards_makes_it_a_dead_letter_with_its_reason(
    post: Post, cloud: FakeCloud, outside: Outside
) -> None:
    await _sent(post)

    errors = [{"code": 131026, "title": "Message undeliverable"}]
    await outside.status("wamid.1", "failed", 1_769_590_000, errors=errors)

    (dead,) = await post.wording.list_newest(post.mode, post.tenant_id, MessageStatus.FAILED)
    assert (dead.status, dead.receipt) == (MessageStatus.FAILED, "failed")
    assert dead.last_error == "Message undeliverable"
    assert len(cloud.asked) == 1


async def test_nothing_is_taken_without_the_signature_of_its_bytes(
    post: Post, cloud: FakeCloud, outside: Outside
) -> None:
    await _sent(post)
    body = _notice("wamid.1", "read", 1_769_590_000)

    assert await outside.tell(body, secret="another") == 401
    status, _ = await outside.ask("POST", "/gateways/whatsapp", json=body)
    assert status == 401
    assert (await post.message()).receipt is None
    assert len(cloud.asked) == 1


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"[]", 422),
        (b"{}", 200),
        (b"nonsense", 400),
        (b'{"entry": [{"changes": [{"value": {"statuses": [{"id": 1}, 7]}}]}, 5]}', 200),
        (b'{"entry": {"changes": 1}}', 200),
    ],
)
async def test_what_has_another_form_changes_nothing(
    outside: Outside, raw: bytes, status: int
) -> None:
    assert await outside.tell(None, raw=raw) == status


async def test_the_address_proves_that_it_is_ours_to_who_knows_our_word(outside: Outside) -> None:
    path = "/gateways/whatsapp?hub.mode=subscribe&hub.challenge=42&hub.verify_token="

    known, challenge = await outside.ask("GET", f"{path}a+word+of+ours")
    stranger, _ = await outside.ask("GET", f"{path}another")

    assert (known, challenge, stranger) == (200, "42", 404)


async def test_where_whatsapp_is_not_set_up_nothing_is_taken(post: Post) -> None:
    receipts = Receipts(post.db)

    assert receipts.answer("subscribe", "", "42") is None
    with pytest.raises(UnauthorizedError):
        await receipts.take(b"{}", "sha256=")


async def test_an_optional_message_can_be_stopped_with_one_click_and_what_is_owed_still_comes(
    post: Post, box: PostBox, outside: Outside
) -> None:
    customer = await post.customer()
    await post.queue("renewal_reminder", to=customer, renewsAt="2026-02-01T00:00:00+00:00")
    await post.send()
    (reminder,) = box.messages
    link = reminder["List-Unsubscribe"].strip("<>")
    path = link.removeprefix(LINKS.public_url)

    looked, page = await outside.ask("GET", path)
    before = len(await post.messages())
    clicked, _ = await outside.ask("POST", path, data={"List-Unsubscribe": "One-Click"})
    await post.queue("renewal_reminder", to=customer)
    await post.queue("dunning_1", to=customer, amount="₦1.00")
    await post.send()

    assert reminder["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert all(link in part for part in parts(reminder))
    assert (looked, clicked, before) == (200, 200, 1)
    assert "<form" in page
    assert [each.template for each in await post.messages()] == ["renewal_reminder", "dunning_1"]
    assert "List-Unsubscribe" not in box.messages[1]


async def test_looking_at_the_link_stops_nothing(post: Post, outside: Outside) -> None:
    customer = await post.customer()
    await post.queue("renewal_reminder", to=customer)
    message = await post.message()
    url = LINKS.url(mode=post.mode, tenant_id=post.tenant_id, message_id=message.id)

    await outside.ask("GET", url.removeprefix(LINKS.public_url))
    await post.queue("renewal_reminder", to=customer)

    assert len(await post.messages()) == 2


async def test_what_waits_when_somebody_has_enough_is_not_sent(
    post: Post, box: PostBox, outside: Outside
) -> None:
    customer = await post.customer()
    await post.queue("renewal_reminder", to=customer)
    message = await post.message()
    url = LINKS.url(mode=post.mode, tenant_id=post.tenant_id, message_id=message.id)

    await outside.ask("POST", url.removeprefix(LINKS.public_url))
    await post.send()

    row = await post.message()
    assert (row.status, row.last_error) == (
        MessageStatus.OUTDATED,
        "its reader wants no reminders",
    )
    assert box.arrived == []


async def test_an_altered_link_opens_nothing(post: Post, outside: Outside) -> None:
    await post.queue("renewal_reminder")
    message = await post.message()
    url = LINKS.url(mode=post.mode, tenant_id=post.tenant_id, message_id=message.id)
    token = url.rpartition("/")[2]

    assert LINKS.read(token) == OptOut(post.mode, post.tenant_id, message.id)
    for altered in (
        token[:-1],
        token.replace("live.", "test."),
        f"{token[:-1]}{'A' if token[-1] != 'A' else 'B'}",
    ):
        status, _ = await outside.ask("POST", f"/messages/stop/{altered}")
        assert (LINKS.read(altered), status) == (None, 404)
