"""Gateways call back: signed, kept once, and never believed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

import orjson
import pytest
from structlog.testing import capture_logs

from duro.adapters.gateways.simulated import SimulatedGateway
from duro.billing.rails import Rail
from duro.kit.envelope import read_master_key
from duro.kit.modes import Mode
from duro.modules.payments.accounts import VirtualAccountRepository
from duro.modules.payments.callbacks import SIGNATURE_HEADER, CallbackKeys
from duro.modules.payments.model import Attempt, AttemptStatus, PaymentRequest, RequestStatus
from duro.modules.payments.repository import AttemptRepository
from duro.modules.payments.requests import PaymentRequestRepository
from duro.runtime.callbacks import callback_keys
from duro.runtime.serve import Role
from duro.settings import Settings
from tests.support.api import Answer, Client, Server
from tests.support.payments import add_attempt, add_request, settled
from tests.support.roles import app_role, connected
from tests.support.system import Merchant, running_merchant, settings_for

PATH: Final = "/gateways/simulated/callback"
LATER: Final = timedelta(hours=1)


@pytest.fixture
def settings(database_url: str, redis_url: str) -> Settings:
    return settings_for(database_url, redis_url)


@pytest.fixture
def keys(settings: Settings) -> CallbackKeys:
    given = settings.security.master_key
    assert given is not None
    return callback_keys(read_master_key(given.get_secret_value()))


@pytest.fixture
async def merchant(settings: Settings, tenant: str) -> AsyncIterator[Merchant]:
    """Without a worker, so that what a callback leaves to be done can be seen."""
    roles = frozenset({Role.PUBLIC})
    async with running_merchant(settings, tenant, roles=roles) as started:
        yield started


def notice(reference: str, **fields: object) -> bytes:
    body: dict[str, object] = {
        "id": "ntc_1",
        "type": "payment.received",
        "reference": reference,
        "amount": 500_000,
        "currency": "NGN",
        "status": "succeeded",
    }
    return orjson.dumps(body | fields)


async def told(
    merchant: Merchant, keys: CallbackKeys, raw: bytes, *, signature: str | None = None
) -> Answer:
    """As the gateway sends it: without a credential, signed."""
    if signature is None:
        signature = keys.sign("simulated", raw)
    stranger = Client(merchant.client.session, merchant.client.base, None)
    return await stranger.send("POST", PATH, raw=raw, headers={SIGNATURE_HEADER: signature})


async def waiting_attempt(merchant: Merchant) -> Attempt:
    """One whose gateway would be asked in an hour."""
    async with merchant.scope.begin() as tx:
        return await add_attempt(tx, lambda made: replace(made, check_at=tx.now + LATER))


async def attempt(merchant: Merchant, of: Attempt) -> Attempt:
    async with merchant.scope.begin() as tx:
        return await AttemptRepository(tx).get(of.id)


async def request(merchant: Merchant, of: PaymentRequest) -> PaymentRequest:
    async with merchant.scope.begin() as tx:
        return await PaymentRequestRepository(tx).get(of.id)


async def kept(database_url: str, tenant: str) -> list[tuple[str, str, int]]:
    """What was told of the tenant: the gateway's id, the reference, and how often."""
    who = {"role": app_role(Mode.TEST), "search_path": "sandbox", "duro.tenant": tenant}
    async with connected(database_url, **who) as connection:
        rows = await connection.fetch(
            "SELECT gateway_id, reference, times_told FROM gateway_callbacks ORDER BY gateway_id"
        )
    return [tuple(row) for row in rows]


async def test_a_notice_has_the_gateway_asked_and_settles_nothing(
    merchant: Merchant, keys: CallbackKeys, database_url: str
) -> None:
    waiting = await waiting_attempt(merchant)

    answer = await told(merchant, keys, notice(waiting.reference))

    assert (answer.status, answer.json) == (200, {})
    after = await attempt(merchant, waiting)
    assert after.status is AttemptStatus.PENDING
    assert after.check_at is not None
    assert waiting.check_at is not None
    assert after.check_at < waiting.check_at - LATER / 2
    assert await kept(database_url, merchant.tenant_id) == [("ntc_1", waiting.reference, 1)]


async def test_twenty_repeats_are_kept_once(
    merchant: Merchant, keys: CallbackKeys, database_url: str
) -> None:
    waiting = await waiting_attempt(merchant)
    raw = notice(waiting.reference)

    answers = await asyncio.gather(*(told(merchant, keys, raw) for _ in range(20)))

    assert {answer.status for answer in answers} == {200}
    assert await kept(database_url, merchant.tenant_id) == [("ntc_1", waiting.reference, 20)]


async def test_late_money_of_a_closed_request_is_looked_for(
    merchant: Merchant, keys: CallbackKeys
) -> None:
    async with merchant.scope.begin() as tx:
        closed = await add_request(
            tx,
            lambda made: replace(
                made, status=RequestStatus.EXPIRED, closed_at=tx.now, check_at=None
            ),
        )

    answer = await told(merchant, keys, notice(closed.reference))

    assert answer.status == 200
    after = await request(merchant, closed)
    assert after.status is RequestStatus.EXPIRED
    assert after.check_at is not None


async def test_money_for_a_request_that_its_customer_was_never_told_of_is_looked_for(
    merchant: Merchant, keys: CallbackKeys
) -> None:
    async with merchant.scope.begin() as tx:
        void = await add_attempt(
            tx,
            lambda made: replace(
                settled(made, AttemptStatus.FAILED, tx.now),
                rail=Rail.TRANSFER,
                failure_code="superseded",
            ),
        )

    for _ in range(2):
        await told(merchant, keys, notice(void.reference))

    async with merchant.scope.begin() as tx:
        made = await PaymentRequestRepository(tx).find_by_reference(void.reference)
        assert made is not None
        assert (made.status, made.closed_at) == (RequestStatus.VOID, void.settled_at)
        assert made.check_at is not None
        assert made.check_at <= tx.now


async def test_what_is_told_of_a_request_that_is_still_being_opened_has_to_be_told_again(
    merchant: Merchant, keys: CallbackKeys
) -> None:
    async with merchant.scope.begin() as tx:
        opening = await add_attempt(
            tx, lambda made: replace(made, rail=Rail.USSD, check_at=tx.now + LATER)
        )

    early = await told(merchant, keys, notice(opening.reference))

    assert early.status == 503
    check_at = (await attempt(merchant, opening)).check_at
    assert check_at is not None
    assert check_at < opening.created_at + LATER


async def test_an_account_number_is_known_as_well(
    merchant: Merchant, keys: CallbackKeys, database_url: str
) -> None:
    customer = await merchant.customer()
    account = await merchant.made(f"/v1/customers/{customer}/virtual-account", None)
    number = account["accountNumber"]

    answer = await told(merchant, keys, notice(number))

    assert answer.status == 200
    assert await kept(database_url, merchant.tenant_id) == [("ntc_1", number, 1)]
    async with merchant.scope.begin() as tx:
        (due,) = await VirtualAccountRepository(tx).find_to_check(10)
    assert due.id == account["id"]


async def test_an_attempt_that_is_settled_stays_as_it_is(
    merchant: Merchant, keys: CallbackKeys
) -> None:
    async with merchant.scope.begin() as tx:
        paid = await add_attempt(
            tx, lambda made: settled(made, AttemptStatus.SUCCEEDED, made.created_at)
        )

    answer = await told(merchant, keys, notice(paid.reference, status="failed"))

    assert answer.status == 200
    assert await attempt(merchant, paid) == paid


@pytest.mark.parametrize("wrong", ["amount", "currency"])
async def test_another_amount_or_currency_is_logged_and_asked_about(
    merchant: Merchant, keys: CallbackKeys, wrong: str
) -> None:
    waiting = await waiting_attempt(merchant)
    forged: dict[str, object] = {"amount": 1} if wrong == "amount" else {"currency": "USD"}

    with capture_logs() as logs:
        answer = await told(merchant, keys, notice(waiting.reference, **forged))

    assert answer.status == 200
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == [
        "callback_amount_differs"
    ]
    assert (await attempt(merchant, waiting)).amount_minor == 500_000


async def test_a_reference_of_nobody_is_taken_and_logged(
    merchant: Merchant, keys: CallbackKeys, database_url: str
) -> None:
    with capture_logs() as logs:
        answer = await told(merchant, keys, notice("txn-of-nobody"))

    assert answer.status == 200
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == [
        "callback_of_nobody"
    ]
    assert await kept(database_url, merchant.tenant_id) == []


async def test_another_tenants_reference_touches_that_tenant_alone(
    merchant: Merchant, keys: CallbackKeys, database_url: str, tenant_b: str
) -> None:
    server = Server(merchant.client.base, merchant.client.session, merchant.app.ground.db)
    other = Merchant(merchant.app, await server.client(tenant_b, Mode.TEST), tenant_b)
    own, theirs = await waiting_attempt(merchant), await waiting_attempt(other)

    answer = await told(merchant, keys, notice(theirs.reference))

    assert answer.status == 200
    assert await attempt(merchant, own) == own
    assert await kept(database_url, merchant.tenant_id) == []
    assert await kept(database_url, tenant_b) == [("ntc_1", theirs.reference, 1)]


@pytest.mark.parametrize(
    "signature", ["", "0" * 64, "of another gateway", "of another body", "é", "shorter"]
)
async def test_a_wrong_signature_does_nothing(
    merchant: Merchant, keys: CallbackKeys, database_url: str, signature: str
) -> None:
    waiting = await waiting_attempt(merchant)
    raw = notice(waiting.reference)
    right = keys.sign("simulated", raw)
    wrong = {
        "of another gateway": keys.sign("paystack", raw),
        "of another body": keys.sign("simulated", raw + b" "),
        "shorter": right[:-1],
    }.get(signature, signature)

    answer = await told(merchant, keys, raw, signature=wrong)

    assert (answer.status, answer.code) == (401, "unauthorized")
    assert await attempt(merchant, waiting) == waiting
    assert await kept(database_url, merchant.tenant_id) == []


async def test_a_signature_may_be_spelled_in_capitals(
    merchant: Merchant, keys: CallbackKeys
) -> None:
    raw = notice("txn-of-nobody")

    answer = await told(merchant, keys, raw, signature=keys.sign("simulated", raw).upper())

    assert answer.status == 200


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b'{"id": 1, "id": 2}', 400),
        (b"[]", 422),
        (b"null", 422),
        (b"{}", 422),
        (notice("txn-1", amount=0), 422),
        (notice("txn-1", amount=1.5), 422),
        (notice("txn-1", amount="500000"), 422),
        (notice("txn-1", amount=10**15), 422),
        (notice("txn-1", currency="naira"), 422),
        (notice("txn-1", id=""), 422),
        (notice("txn-1", id="x" * 256), 422),
        (notice(""), 422),
        (notice("x" * 256), 422),
        (notice("txn-1\0"), 422),
        (notice("txn-1", narration="\0"), 422),
    ],
)
async def test_nonsense_is_refused_though_it_is_signed(
    merchant: Merchant, keys: CallbackKeys, raw: bytes, status: int
) -> None:
    answer = await told(merchant, keys, raw)

    assert answer.status == status


async def test_what_a_gateway_adds_is_no_nonsense(merchant: Merchant, keys: CallbackKeys) -> None:
    waiting = await waiting_attempt(merchant)

    answer = await told(merchant, keys, notice(waiting.reference, sender={"bank": "Kuda"}))

    assert answer.status == 200


async def test_more_than_64_kib_are_not_read(merchant: Merchant, keys: CallbackKeys) -> None:
    room = 64 * 1024 - len(notice("txn-1", narration=""))
    fits = notice("txn-1", narration="x" * room)
    over = notice("txn-1", narration="x" * (room + 1))

    assert (await told(merchant, keys, fits)).status == 200
    assert (await told(merchant, keys, over)).status == 413


@pytest.mark.parametrize("name", ["paystack", "Simulated", "%00", "x" * 300])
async def test_a_gateway_that_is_not_there_is_not_found(
    merchant: Merchant, keys: CallbackKeys, name: str
) -> None:
    raw = notice("txn-1")
    stranger = Client(merchant.client.session, merchant.client.base, None)
    headers = {SIGNATURE_HEADER: keys.sign(name, raw)}

    answer = await stranger.send("POST", f"/gateways/{name}/callback", raw=raw, headers=headers)

    assert (answer.status, answer.code) == (404, "not_found")


async def test_only_a_post_is_a_callback(merchant: Merchant) -> None:
    assert (await merchant.client.get(PATH)).status == 405


async def test_callbacks_count_against_their_address(settings: Settings, tenant: str) -> None:
    narrow = settings.limits.model_copy(update={"ip_per_s": 1, "ip_burst": 3})
    limited = settings.model_copy(update={"limits": narrow})
    async with running_merchant(limited, tenant, roles=frozenset({Role.PUBLIC})) as merchant:
        stranger = Client(merchant.client.session, merchant.client.base, None)

        answers = [await stranger.send("POST", PATH, raw=b"{}") for _ in range(6)]

    statuses = {answer.status for answer in answers}
    assert statuses == {401, 429}


async def test_money_of_which_a_notice_tells_pays_the_invoice(
    settings: Settings, keys: CallbackKeys, tenant: str
) -> None:
    async with running_merchant(settings, tenant) as merchant:
        customer = await merchant.customer()
        account = await merchant.made(f"/v1/customers/{customer}/virtual-account", None)
        subscription = await merchant.subscribe(customerId=customer)
        number = account["accountNumber"]
        gateway = SimulatedGateway(merchant.app.ground.db)
        async with merchant.scope.begin() as tx:
            await gateway.record_credit(tx, reference=number, amount_minor=500_000, currency="NGN")

        answer = await told(merchant, keys, notice(number))

        assert answer.status == 200
        assert subscription["status"] == "incomplete"
        async with asyncio.timeout(20):
            while (await merchant.subscription(subscription["id"]))["status"] != "active":
                await asyncio.sleep(0.1)
        invoice = await merchant.get(f"/v1/invoices/{subscription['latestInvoiceId']}")
        assert (invoice["status"], invoice["rail"]) == ("paid", "virtual_account")
