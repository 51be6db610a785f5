"""Owns a mail server, a Cloud API and a sender for the tests of messages."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import pytest

from duro.adapters.smtp import MailServer, SmtpMailer
from duro.adapters.whatsapp import CloudApi
from duro.kit.clock import FixedClock
from duro.kit.db import Database
from duro.kit.ids import new_id
from duro.kit.modes import Mode
from duro.kit.pagination import ListQuery, seek
from duro.kit.work import Ran, WorkScope
from duro.modules.customers.model import Customer
from duro.modules.customers.repository import CustomerRepository
from duro.modules.members.model import Role
from duro.modules.members.service import add_member
from duro.modules.messages.channels import Channels
from duro.modules.messages.contacts import People
from duro.modules.messages.links import OptOutLinks
from duro.modules.messages.model import Message, NewMessage
from duro.modules.messages.repository import OutboxRepository
from duro.modules.messages.sending import BATCH, Sender
from duro.modules.messages.wording import Wording
from tests.support.mail import FakeCloud, PostBox, fake_cloud, post_box

LINKS: Final = OptOutLinks("https://pay.example", b"k" * 32)
PEOPLE: Final = People(b"p" * 32)


@dataclass(frozen=True)
class Post:
    """One merchant's outbox, and a process that sends it."""

    db: Database
    clock: FixedClock
    tenant_id: str
    sender: Sender
    mode: Mode = Mode.LIVE

    @property
    def scope(self) -> WorkScope:
        return WorkScope(self.db, self.mode, self.tenant_id)

    @property
    def wording(self) -> Wording:
        return Wording(self.db, LINKS)

    async def customer(self, **fields: str) -> str:
        customer = Customer(
            id=new_id("cus", wall=self.clock.wall()),
            email=fields.get("email", "ada@example.com"),
            phone=fields.get("phone"),
            name=fields.get("name", "Ada Obi"),
            merchant_ref=None,
            blacklisted_at=None,
            blacklist_reason=None,
            metadata={"language": fields["language"]} if "language" in fields else {},
            created_at=self.clock.wall(),
        )
        async with self.scope.begin() as tx:
            await CustomerRepository(tx).add(customer)
        return customer.id

    async def join(self, email: str, role: Role = Role.DEVELOPER) -> None:
        """Somebody of the merchant's team."""
        async with self.db.core() as tx:
            await add_member(tx, tenant_id=self.tenant_id, email=email, role=role)

    async def queue(
        self,
        template: str = "receipt",
        *,
        to: str | None = None,
        address: str | None = None,
        cause: str = "",
        **data: object,
    ) -> None:
        """Nothing else given: a receipt to an address of its own."""
        address = address if to or address else "ada@example.com"
        cause = cause or new_id("cau", wall=self.clock.wall())
        async with self.scope.begin() as tx:
            new = NewMessage(template, to, cause, data, tx.now, address)
            await OutboxRepository(tx).add([new])

    async def send(self) -> Ran:
        return await self.sender.run(self.scope, BATCH)

    async def messages(self) -> list[Message]:
        """All there are, oldest first."""
        place = seek(ListQuery(limit=100), name="m", mode=self.mode, tenant_id=self.tenant_id)
        async with self.scope.begin() as tx:
            return (await OutboxRepository(tx).page(place))[::-1]

    async def message(self) -> Message:
        (only,) = await self.messages()
        return only

    def wait(self, **span: float) -> None:
        self.clock.move(timedelta(**span))


@pytest.fixture
async def box() -> AsyncIterator[PostBox]:
    async with post_box() as running:
        yield running


@pytest.fixture
async def cloud() -> AsyncIterator[FakeCloud]:
    async with fake_cloud() as running:
        yield running


@pytest.fixture
async def mailer(box: PostBox, clock: FixedClock) -> AsyncIterator[SmtpMailer]:
    server = MailServer.read(f"smtp://127.0.0.1:{box.port}")
    running = SmtpMailer(server, "billing@pay.example", clock, timeout_s=5)
    yield running
    await running.close()


@pytest.fixture
async def api(cloud: FakeCloud) -> AsyncIterator[CloudApi]:
    running = CloudApi(cloud.url, "1234567890", "a-token", timeout_s=5)
    yield running
    await running.close()


@pytest.fixture
def post(db: Database, clock: FixedClock, tenant: str, mailer: SmtpMailer, api: CloudApi) -> Post:
    return Post(db, clock, tenant, Sender(Channels(mailer, api), LINKS, PEOPLE))
