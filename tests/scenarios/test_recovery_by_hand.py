"""A merchant steps into a recovery case: retries now, skips the planned try, gives up."""

import asyncio
from typing import Any

import pytest

from duro.adapters.gateways.simulated import SimulatedGateway
from duro.kit import idempotency
from duro.kit.modes import Mode
from duro.modules.charging import manual
from duro.modules.charging.engine import Charging
from duro.modules.invoices.links import PayLinks
from duro.modules.payments.gateway import Gateways
from tests.support.api import Server
from tests.support.roles import app_role, connected_as
from tests.support.system import Merchant


async def failing(merchant: Merchant, method: str = "pm_test_ok_then_insufficient_funds") -> str:
    """The id of the case of a renewal that failed on 10 March at 08:00 UTC; it waits for the 28th."""
    await merchant.advance(to="2027-02-10T08:00:00Z")
    subscription = await merchant.subscribe(paymentMethodId=method)
    await merchant.advance(to="2027-03-10T09:00:00Z")
    (case,) = await merchant.items(f"/v1/recovery?subscriptionId={subscription['id']}")
    return str(case["id"])


async def act(merchant: Merchant, case_id: str, what: str, **body: object) -> dict[str, Any]:
    answer = await merchant.client.post(f"/v1/recovery/{case_id}/{what}", body)
    assert answer.status == 200, answer.body
    return answer.json


async def refused(merchant: Merchant, case_id: str, what: str) -> str:
    answer = await merchant.client.post(f"/v1/recovery/{case_id}/{what}")
    assert (answer.status, answer.code) == (409, "conflict"), answer.body
    return str(answer.error["message"])


async def test_a_retry_that_is_declined_counts_as_a_try_and_is_logged(merchant: Merchant) -> None:
    case_id = await failing(merchant)
    await merchant.advance(to="2027-03-12T09:00:00Z")

    case = await act(merchant, case_id, "retry", reason="She says the money is there.")

    assert (case["state"], case["attemptsMade"]) == ("scheduled", 2)
    assert case["nextAttemptAt"] == "2027-03-28T09:00:00.000Z"
    first, by_hand, after = case["decisions"]
    assert (first["rule"], by_hand["rule"], after["rule"]) == ("payday", "manual_retry", "payday")
    assert by_hand["inputs"]["note"] == "She says the money is there."
    assert by_hand["action"] == "manual_retry"
    transactions = await merchant.items(f"/v1/transactions?invoiceId={case['invoiceId']}")
    assert [row["status"] for row in transactions] == ["failed", "failed"]


async def test_a_retry_that_succeeds_recovers_by_hand(merchant: Merchant) -> None:
    case_id = await failing(merchant)
    await merchant.advance(to="2027-03-27T23:30:00Z")

    case = await act(merchant, case_id, "retry")

    assert (case["state"], case["recoveredBy"]) == ("recovered", "manual")
    assert (await merchant.subscription(case["subscriptionId"]))["status"] == "active"
    assert (await merchant.get(f"/v1/invoices/{case['invoiceId']}"))["status"] == "paid"
    ledger = await merchant.get("/v1/analytics/ledger?from=2027-03-01&to=2027-04-01")
    assert ledger["items"][0]["byReason"]["recovered"] == {"manual": 500_000}


async def test_no_token_is_charged_twice_within_twenty_hours(merchant: Merchant) -> None:
    case_id = await failing(merchant)

    assert "charged lately" in await refused(merchant, case_id, "retry")
    await merchant.advance(to="2027-03-11T03:59:00Z")
    assert "Thu 11 Mar 2027 at 05:00" in await refused(merchant, case_id, "retry")
    await merchant.advance(to="2027-03-11T04:00:00Z")
    await act(merchant, case_id, "retry")


async def test_a_card_that_the_bank_does_not_take_any_more_is_not_charged(
    merchant: Merchant,
) -> None:
    await merchant.advance(to="2027-02-10T08:00:00Z")
    subscription = await merchant.subscribe(paymentMethodId="pm_test_ok")
    path = f"/v1/subscriptions/{subscription['id']}"
    await merchant.client.patch(path, {"paymentMethodId": "pm_test_stolen"})
    await merchant.advance(to="2027-03-20T08:00:00Z")
    (case,) = await merchant.items("/v1/recovery")
    before = await merchant.items("/v1/test/gateway/charges")

    assert "does not take this payment method" in await refused(merchant, case["id"], "retry")

    assert await merchant.items("/v1/test/gateway/charges") == before


async def test_a_closed_case_takes_no_step(merchant: Merchant) -> None:
    case_id = await failing(merchant)
    await act(merchant, case_id, "cancel")

    for what in ("retry", "skip", "cancel"):
        assert "closed" in await refused(merchant, case_id, what)


async def test_a_case_in_flight_takes_no_step(merchant: Merchant) -> None:
    await merchant.advance(to="2027-02-10T08:00:00Z")
    subscription = await merchant.subscribe(paymentMethodId="pm_test_ok")
    path = f"/v1/subscriptions/{subscription['id']}"
    await merchant.client.patch(path, {"paymentMethodId": "pm_test_insufficient_funds"})
    await merchant.advance(to="2027-03-12T08:00:00Z")
    (case,) = await merchant.items("/v1/recovery")
    # The customer's new card answers after twelve seconds of wall time.
    slow = merchant.client.patch(path, {"paymentMethodId": "pm_test_slow"})
    await slow

    async def in_flight() -> bool:
        shown = await merchant.get(f"/v1/recovery/{case['id']}")
        return bool(shown["state"] == "in_flight")

    for _ in range(100):
        if await in_flight():
            break
        await asyncio.sleep(0.05)

    for what in ("retry", "skip", "cancel"):
        assert "under way" in await refused(merchant, case["id"], what)


async def test_the_same_key_retries_once(merchant: Merchant) -> None:
    case_id = await failing(merchant)
    await merchant.advance(to="2027-03-12T09:00:00Z")
    path = f"/v1/recovery/{case_id}/retry"

    first = await merchant.client.post(path, {}, key="retry-1")
    again = await merchant.client.post(path, {}, key="retry-1")

    assert (first.status, again.status, again.is_replay) == (200, 200, True)
    assert again.body == first.body
    assert len(await merchant.items("/v1/test/gateway/charges")) == 3


async def test_a_retry_whose_server_died_after_its_commit_is_finished_by_the_repeat(
    merchant: Merchant, database_url: str
) -> None:
    case_id = await failing(merchant)
    path = f"/v1/recovery/{case_id}/retry"
    await merchant.advance(to="2027-03-12T09:00:00Z")
    await begin_and_die(merchant, case_id, path, database_url)
    assert len(await merchant.items("/v1/test/gateway/charges")) == 2

    finished = await merchant.client.post(path, {}, key="retry-1")
    again = await merchant.client.post(path, {}, key="retry-1")

    assert (finished.status, again.is_replay, again.body) == (200, True, finished.body)
    assert (finished.json["state"], finished.json["attemptsMade"]) == ("scheduled", 2)
    assert [row["rule"] for row in finished.json["decisions"]] == [
        *("payday", "manual_retry", "payday")
    ]
    assert len(await merchant.items("/v1/test/gateway/charges")) == 3


async def begin_and_die(merchant: Merchant, case_id: str, path: str, database_url: str) -> None:
    """What a process leaves that dies before it asks the gateway: intent and key committed, the lease run out."""
    db = merchant.app.ground.db
    charging = Charging(Gateways({Mode.TEST: SimulatedGateway(db)}), PayLinks("", b"key"))
    keyed = idempotency.read_key(["retry-1"], (b"POST", path.encode(), b"", b"{}"))
    assert keyed is not None
    async with merchant.scope.begin() as tx:
        await manual.begin_retry(tx, charging, case_id, note=None)
        await idempotency.claim(tx, idempotency.Claim(keyed, case_id))
    async with connected_as(database_url, app_role(Mode.TEST), search_path="sandbox,core") as app:
        await app.execute("SELECT set_config('duro.tenant', $1, false)", merchant.tenant_id)
        await app.execute("UPDATE idempotency_keys SET locked_until = created_at")


async def test_many_retries_at_once_charge_once(merchant: Merchant) -> None:
    case_id = await failing(merchant)
    await merchant.advance(to="2027-03-12T09:00:00Z")

    answers = await asyncio.gather(
        *(merchant.client.post(f"/v1/recovery/{case_id}/retry") for _ in range(10))
    )

    assert sorted(answer.status for answer in answers) == [200] + [409] * 9
    assert len(await merchant.items("/v1/test/gateway/charges")) == 3


async def test_a_skipped_payday_try_moves_on_to_the_next_decision_without_a_charge(
    merchant: Merchant,
) -> None:
    case_id = await failing(merchant)

    case = await act(merchant, case_id, "skip", reason="He asked for two more days.")

    assert (case["state"], case["attemptsMade"], case["attemptsSkipped"]) == ("scheduled", 1, 1)
    assert case["nextAttemptAt"] == "2027-03-30T09:00:00.000Z"
    assert case["reason"].startswith("The try on Sun 28 Mar 2027 at 10:00 was skipped by hand. ")
    logged = case["decisions"][-1]
    assert (logged["rule"], logged["action"], logged["at"]) == (
        *("manual_skip", "retry"),
        "2027-03-10T09:00:00.000Z",
    )
    assert logged["inputs"]["note"] == "He asked for two more days."
    assert logged["inputs"]["rule"] == "back_off"
    await merchant.advance(to="2027-03-29T08:00:00Z")
    assert len(await merchant.items(f"/v1/transactions?invoiceId={case['invoiceId']}")) == 1
    await merchant.advance(to="2027-03-31T08:00:00Z")
    assert (await merchant.subscription(case["subscriptionId"]))["status"] == "active"


async def test_no_case_can_be_kept_open_by_skipping(merchant: Merchant) -> None:
    case_id = await failing(merchant)

    states = [(await act(merchant, case_id, "skip"))["state"] for _ in range(4)]

    assert states == ["scheduled", "scheduled", "scheduled", "exhausted"]
    assert "closed" in await refused(merchant, case_id, "skip")
    case = await merchant.get(f"/v1/recovery/{case_id}")
    assert (case["attemptsMade"], case["attemptsSkipped"]) == (1, 4)
    assert case["closedAt"] == "2027-03-10T09:00:00.000Z"
    assert (await merchant.subscription(case["subscriptionId"]))["status"] == "unpaid"
    assert len(await merchant.items("/v1/test/gateway/charges")) == 2


async def test_there_is_nothing_to_skip_while_the_customer_is_waited_for(
    merchant: Merchant,
) -> None:
    await merchant.client.patch("/v1/settings/recovery", {"autoRecovery": False})
    case_id = await failing(merchant)

    assert "No try is planned" in await refused(merchant, case_id, "skip")


@pytest.mark.parametrize(
    ("escalation", "status"),
    [("mark_unpaid", "unpaid"), ("keep_past_due", "unpaid"), ("cancel", "canceled")],
)
async def test_a_case_that_is_given_up_leaves_nothing_past_due(
    merchant: Merchant, escalation: str, status: str
) -> None:
    await merchant.client.patch("/v1/settings/recovery", {"dunningEscalation": escalation})
    case_id = await failing(merchant)

    case = await act(merchant, case_id, "cancel", reason="Settled in cash.")

    assert (case["state"], case["nextAction"]) == ("canceled", None)
    logged = case["decisions"][-1]
    assert (logged["rule"], logged["inputs"]["note"]) == ("manual_cancel", "Settled in cash.")
    assert (await merchant.subscription(case["subscriptionId"]))["status"] == status
    assert (await merchant.get(f"/v1/invoices/{case['invoiceId']}"))["status"] == "uncollectible"
    ledger = await merchant.get("/v1/analytics/ledger")
    assert ledger["items"][0]["byReason"]["cancelled"] == {"cancelled": 500_000}


async def test_other_tenants_and_modes_see_no_case(merchant: Merchant, tenant_b: str) -> None:
    case_id = await failing(merchant)
    server = Server(merchant.client.base, merchant.client.session, merchant.app.ground.db)
    strangers = [
        await server.client(tenant_b, Mode.TEST),
        await server.client(tenant_b, Mode.LIVE),
    ]

    for stranger in strangers:
        for what in ("retry", "skip", "cancel"):
            answer = await stranger.post(f"/v1/recovery/{case_id}/{what}")
            # Live mode has no gateway, and says so before it looks.
            is_live_retry = answer.status == 503 and what == "retry"
            assert answer.status == 404 or is_live_retry, answer.body


@pytest.mark.parametrize("what", ["retry", "skip", "cancel"])
async def test_a_reason_has_its_bounds(merchant: Merchant, what: str) -> None:
    path = f"/v1/recovery/dun_01JD0G4Y8Z7V6T5S4R3Q2P1N0M/{what}"

    long = await merchant.client.post(path, {"reason": "x" * 501})
    wrong = await merchant.client.post(path, {"note": "x"})

    assert (long.status, long.paths) == (422, ["reason"])
    assert (wrong.status, wrong.paths) == (422, ["note"])
    assert (await merchant.client.post(path)).status == 404
