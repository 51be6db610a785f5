"""The simulated gateway's other books: requests that customers pay by themselves, accounts, and mandates."""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from duro.adapters.gateways.simulated import SimulatedGateway
from duro.billing.rails import Rail
from duro.kit.db import Database
from duro.kit.modes import Mode
from duro.modules.payments.gateway import (
    AccountAsk,
    Answer,
    ChargeRequest,
    Failed,
    MandateAsk,
    MandateState,
    NotFound,
    OpenedAccount,
    PaymentAsk,
    Pending,
    Succeeded,
)
from duro.modules.payments.model import MandateStatus, VirtualAccount
from duro.modules.payments.testcards import Instrument, token_of

OFF_PAYDAY = datetime(2026, 1, 10, 9, 0, tzinfo=UTC)
ON_PAYDAY = datetime(2026, 1, 28, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
DEBITED = Succeeded(500_000, "NGN")
TOO_EARLY = Failed("05")


@pytest.fixture
def gateway(db: Database) -> SimulatedGateway:
    return SimulatedGateway(db)


def asking(tenant: str, rail: Rail, reference: str = "txn-1") -> PaymentAsk:
    return PaymentAsk(
        reference=reference,
        rail=rail,
        amount_minor=500_000,
        currency="NGN",
        customer_name="Ada Obi",
        email="ada@example.com",
        phone=None,
        account=None,
        tenant_id=tenant,
        at=OFF_PAYDAY,
        expires_at=OFF_PAYDAY + DAY,
    )


async def test_a_ussd_request_is_a_string_to_dial(gateway: SimulatedGateway, tenant: str) -> None:
    answer = await gateway.request_payment(asking(tenant, Rail.USSD))

    assert isinstance(answer, Pending)
    assert answer.expires_at == OFF_PAYDAY + DAY
    assert list(answer.action) == ["ussd"]
    assert re.fullmatch(r"\*737\*000\*\d{4,8}#", answer.action["ussd"])


async def test_a_transfer_request_is_an_account_of_ten_digits(
    gateway: SimulatedGateway, tenant: str
) -> None:
    answer = await gateway.request_payment(asking(tenant, Rail.TRANSFER))

    assert isinstance(answer, Pending)
    assert sorted(answer.action) == ["accountName", "accountNumber", "bankName"]
    assert re.fullmatch(r"\d{10}", answer.action["accountNumber"])
    assert "Ada Obi" in answer.action["accountName"]


async def test_a_request_to_a_virtual_account_shows_that_account(
    gateway: SimulatedGateway, tenant: str
) -> None:
    account = VirtualAccount("va_1", "cus_A", "Wema", "9930000902", "Ada", None, OFF_PAYDAY)
    ask = replace(asking(tenant, Rail.VIRTUAL_ACCOUNT), account=account)

    answer = await gateway.request_payment(ask)
    without = await gateway.request_payment(replace(ask, reference="txn-2", account=None))

    assert isinstance(answer, Pending)
    assert answer.action == {
        "bankName": "Wema",
        "accountNumber": "9930000902",
        "accountName": "Ada",
    }
    assert without == Failed("account_not_found")


@pytest.mark.parametrize("rail", [Rail.USSD, Rail.TRANSFER])
async def test_a_repeat_gets_the_first_answer_whatever_it_asks(
    gateway: SimulatedGateway, tenant: str, rail: Rail
) -> None:
    first = asking(tenant, rail)
    later = replace(first, amount_minor=1, at=OFF_PAYDAY + DAY, expires_at=OFF_PAYDAY + 9 * DAY)

    answers = await asyncio.gather(*(gateway.request_payment(first) for _ in range(20)))
    answers.append(await gateway.request_payment(later))

    assert all(answer == answers[0] for answer in answers)


async def test_references_share_no_account(gateway: SimulatedGateway, tenant: str) -> None:
    answers = [
        await gateway.request_payment(asking(tenant, Rail.TRANSFER, f"txn-{n}")) for n in range(20)
    ]

    numbers = {a.action["accountNumber"] for a in answers if isinstance(a, Pending)}
    assert len(numbers) == 20


async def test_credits_are_found_oldest_first_by_their_tenant_alone(
    gateway: SimulatedGateway, db: Database, tenant: str, tenant_b: str
) -> None:
    for amount in (100, 200):
        async with db.begin(Mode.TEST, tenant) as tx:
            await gateway.record_credit(tx, reference="txn-1", amount_minor=amount, currency="NGN")

    found = await gateway.find_credits(tenant, "txn-1")

    assert isinstance(found, list)
    assert [credit.amount_minor for credit in found] == [100, 200]
    assert len({credit.id for credit in found}) == 2
    assert await gateway.find_credits(tenant, "txn-2") == []
    assert await gateway.find_credits(tenant_b, "txn-1") == []


async def test_a_cancelled_request_can_still_be_paid(
    gateway: SimulatedGateway, db: Database, tenant: str
) -> None:
    await gateway.request_payment(asking(tenant, Rail.USSD))
    await gateway.cancel_request(tenant, "txn-1")
    async with db.begin(Mode.TEST, tenant) as tx:
        await gateway.record_credit(tx, reference="txn-1", amount_minor=100, currency="NGN")

    found = await gateway.find_credits(tenant, "txn-1")

    assert isinstance(found, list)
    assert len(found) == 1


async def test_an_account_is_the_same_each_time_and_another_for_each_reference(
    gateway: SimulatedGateway, tenant: str, tenant_b: str
) -> None:
    ask = AccountAsk("cus-1", "Ada Obi", None, None, tenant, OFF_PAYDAY)

    first, again = await gateway.open_account(ask), await gateway.open_account(ask)
    others = [
        await gateway.open_account(replace(ask, reference="cus-2")),
        await gateway.open_account(replace(ask, tenant_id=tenant_b)),
    ]

    assert isinstance(first, OpenedAccount)
    assert first == again
    assert re.fullmatch(r"\d{10}", first.account_number)
    assert first not in others


def debit(tenant: str, instrument: Instrument, reference: str, at: datetime) -> ChargeRequest:
    return ChargeRequest(reference, 500_000, "NGN", token_of(instrument, "cus_A"), tenant, at)


def mandate(tenant: str, instrument: Instrument, at: datetime = OFF_PAYDAY) -> MandateAsk:
    return MandateAsk(token_of(instrument, "cus_A"), tenant, at)


@pytest.mark.parametrize(
    ("instrument", "at_once", "active_since"),
    [
        (Instrument.MANDATE, MandateStatus.PENDING, OFF_PAYDAY + DAY),
        (Instrument.MANDATE_EARLY, MandateStatus.ACTIVE, OFF_PAYDAY),
        (Instrument.MANDATE_INSUFFICIENT_FUNDS, MandateStatus.ACTIVE, OFF_PAYDAY),
    ],
)
async def test_a_mandate_is_set_up_once_and_stands_when_its_bank_lets_it(
    gateway: SimulatedGateway,
    tenant: str,
    instrument: Instrument,
    at_once: MandateStatus,
    active_since: datetime,
) -> None:
    before = await gateway.look_up_mandate(mandate(tenant, instrument))
    opened = await gateway.open_mandate(mandate(tenant, instrument))
    again = await gateway.open_mandate(mandate(tenant, instrument, OFF_PAYDAY + DAY - MOMENT))
    a_day_on = await gateway.look_up_mandate(mandate(tenant, instrument, OFF_PAYDAY + DAY))

    assert before == NotFound()
    assert isinstance(opened, MandateState)
    assert isinstance(again, MandateState)
    assert opened.status is again.status is at_once
    assert a_day_on == MandateState(MandateStatus.ACTIVE, active_since)


@pytest.mark.parametrize("instrument", [Instrument.MANDATE, Instrument.MANDATE_EARLY])
async def test_a_debit_in_a_mandates_first_day_is_not_honoured(
    gateway: SimulatedGateway, tenant: str, instrument: Instrument
) -> None:
    await gateway.open_mandate(mandate(tenant, instrument))
    just_before = OFF_PAYDAY + DAY - MOMENT

    early = await gateway.charge(debit(tenant, instrument, "txn-1", OFF_PAYDAY))
    late = await gateway.charge(debit(tenant, instrument, "txn-2", just_before))
    then = await gateway.charge(debit(tenant, instrument, "txn-3", OFF_PAYDAY + DAY))

    assert [early, late, then] == [TOO_EARLY, TOO_EARLY, DEBITED]


async def test_a_mandate_on_an_empty_account_pays_on_payday(
    gateway: SimulatedGateway, tenant: str
) -> None:
    instrument = Instrument.MANDATE_INSUFFICIENT_FUNDS
    await gateway.open_mandate(mandate(tenant, instrument))
    answers: list[Answer] = []

    for reference, at in (("txn-1", OFF_PAYDAY), ("txn-2", ON_PAYDAY)):
        answers.append(await gateway.charge(debit(tenant, instrument, reference, at)))

    assert answers == [Failed("51"), DEBITED]


async def test_a_card_is_no_mandate(gateway: SimulatedGateway, tenant: str) -> None:
    assert await gateway.open_mandate(mandate(tenant, Instrument.OK)) == Failed("mandate_not_found")
    assert await gateway.look_up_mandate(mandate(tenant, Instrument.OK)) == NotFound()


async def test_a_revoked_mandate_says_so(gateway: SimulatedGateway, tenant: str) -> None:
    unknown = await gateway.revoke_mandate(mandate(tenant, Instrument.MANDATE))
    await gateway.open_mandate(mandate(tenant, Instrument.MANDATE))

    known = await gateway.revoke_mandate(mandate(tenant, Instrument.MANDATE))

    assert unknown == Failed("mandate_not_found")
    assert known == MandateState(MandateStatus.REVOKED)
