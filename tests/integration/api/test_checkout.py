"""Checkout sessions over HTTP."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from duro.adapters.gateways.simulated import SimulatedGateway
from duro.kit.call import CredentialKind
from duro.kit.clock import FixedClock
from duro.kit.crypto import is_token, sha256
from duro.kit.db import Database
from duro.kit.ids import new_id
from duro.kit.modes import Mode
from duro.kit.registry import Routes
from duro.modules.catalog.routes import link_routes, promo_routes
from duro.modules.catalog.routes import routes as plan_routes
from duro.modules.checkout.links import CheckoutLinks
from duro.modules.checkout.routes import routes as checkout_routes
from duro.modules.customers.routes import routes as customer_routes
from duro.modules.payments.gateway import Gateways
from tests.conftest import WALL
from tests.support.api import PUBLIC_URL, Answer, Client, Server
from tests.support.roles import app_role, connected_as

GOLD = {"name": "Gold", "amount": 500000, "interval": "month"}
PATH = "/v1/checkout/sessions"


@pytest.fixture
def routes(db: Database) -> Sequence[Routes]:
    simulated = SimulatedGateway(db)
    return (
        plan_routes,
        promo_routes,
        link_routes(PUBLIC_URL),
        customer_routes,
        # A live gateway too, so that live sessions can be made here.
        checkout_routes(
            Gateways({Mode.TEST: simulated, Mode.LIVE: simulated}),
            CheckoutLinks(PUBLIC_URL, b"key"),
        ),
    )


@pytest.fixture
async def plan_id(client: Client) -> str:
    return (await client.post("/v1/plans", GOLD)).id


@pytest.fixture
async def publishable(server: Server, tenant: str) -> Client:
    return await server.client(tenant, Mode.TEST, CredentialKind.PUBLISHABLE)


async def test_a_session_for_a_plan_is_shown_with_its_token_once(
    client: Client, plan_id: str
) -> None:
    made = await client.post(PATH, {"planId": plan_id})

    assert made.status == 201
    token = made.json["token"]
    assert is_token(token, "cs_test_")
    assert re.fullmatch(r"chk_[0-9A-Z]{26}", made.id)
    assert list(made.json.items())[2:] == [
        ("url", f"{PUBLIC_URL}/checkout/{token}"),
        ("status", "open"),
        ("kind", "subscription"),
        ("amount", 500000),
        ("currency", "NGN"),
        ("planId", plan_id),
        ("expiresAt", "2026-01-29T09:00:00.000Z"),
        ("paymentLinkId", None),
        ("promoCodeId", None),
        ("customerId", None),
        ("customerEmail", None),
        ("customerPhone", None),
        ("successUrl", None),
        ("cancelUrl", None),
        ("metadata", {}),
        ("createdAt", "2026-01-28T09:00:00.000Z"),
    ]
    read = await client.get(f"{PATH}/{made.id}")
    assert (read.status, read.json) == (200, made.json | {"token": None, "url": None})


async def test_the_token_is_kept_as_its_digest_alone(
    client: Client, plan_id: str, database_url: str, tenant: str
) -> None:
    made = await client.post(PATH, {"planId": plan_id})

    async with connected_as(
        database_url, app_role(Mode.TEST), search_path="sandbox,core"
    ) as connection:
        await connection.execute("SELECT set_config('duro.tenant', $1, false)", tenant)
        row = await connection.fetchrow("SELECT * FROM checkout_sessions")
    assert row["digest"] == sha256(made.json["token"])
    assert made.json["token"] not in repr(dict(row))


async def test_a_session_keeps_everything_that_was_given(client: Client) -> None:
    customer = await client.post("/v1/customers", {"email": "ada@example.com"})
    asked = {
        "amount": 1,
        "currency": "KES",
        "customerEmail": "bola@example.com",
        "customerId": customer.id,
        "successUrl": "https://example.com/thanks?a=1#b",
        "cancelUrl": "http://localhost:3000/back",
        "metadata": {"order": "7"},
    }

    made = await client.post(PATH, asked | {"customerPhone": "0803 123 4567"})

    assert asked.items() <= made.json.items()
    assert (made.json["kind"], made.json["planId"]) == ("one_time", None)
    assert made.json["customerPhone"] == "+2348031234567"


async def test_a_payment_link_is_a_session_for_its_plan(client: Client, plan_id: str) -> None:
    link = await client.post("/v1/payment-links", {"planId": plan_id, "slug": "gold"})

    made = await client.post(PATH, {"paymentLinkId": link.id})

    shown = made.json
    assert (shown["planId"], shown["paymentLinkId"], shown["amount"]) == (plan_id, link.id, 500000)
    await client.patch(f"/v1/payment-links/{link.id}", {"active": False})
    closed = await client.post(PATH, {"paymentLinkId": link.id})
    assert (closed.status, closed.code) == (409, "conflict")


@pytest.mark.parametrize("given", [[], ["planId", "amount"], ["amount", "paymentLinkId"]])
async def test_exactly_one_thing_is_paid_for(
    client: Client, plan_id: str, given: list[str]
) -> None:
    values = {"planId": plan_id, "amount": 1, "paymentLinkId": new_id("lnk", wall=WALL)}

    refused = await client.post(PATH, {name: values[name] for name in given})

    assert (refused.status, refused.paths) == (422, given or list(values))


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": -1}, "amount"),
        ({"amount": 1.5}, "amount"),
        ({"amount": 10**14 + 1}, "amount"),
        ({"amount": "1"}, "amount"),
        ({"amount": 1, "currency": "XXX"}, "currency"),
        ({"amount": 1, "currency": None}, "currency"),
        ({"amount": 1, "promoCode": "SAVE"}, "promoCode"),
        ({"currency": "USD"}, "currency"),
        ({"promoCode": "NONE"}, "promoCode"),
        ({"promoCode": 1}, "promoCode"),
        ({"customerEmail": "ada"}, "customerEmail"),
        ({"customerPhone": "123"}, "customerPhone"),
        ({"customerId": 1}, "customerId"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"status": "completed"}, "status"),
        ({"price": 1}, "price"),
    ],
    ids=str,
)
async def test_a_wrong_field_is_422_with_its_path(
    client: Client, plan_id: str, fields: dict[str, Any], path: str
) -> None:
    asked = fields if "amount" in fields else fields | {"planId": plan_id}

    refused = await client.post(PATH, asked)

    assert (refused.status, refused.code, refused.paths) == (422, "validation_error", [path])


@pytest.mark.parametrize(
    "url",
    [
        *("", "example.com", "/thanks", "//example.com", "ftp://example.com", "https:example.com"),
        *("javascript:alert(1)", "data:text/html,hi", "https://", "https:///x", "https://:443"),
        *("http://example.com", "http://10.0.0.1", "http://localhost.example.com"),
        *("http://user@localhost", "https://a:b@example.com", "https://exa mple.com"),
        *("https://example.com\n", "https://example.com/\\..", "https://exämple.com"),
        *("https://example.com:0", "https://example.com:99999", "https://example.com:x"),
        *("https://[::1", "https://[fe80::1%25eth0]/", "https://[1.2.3.4]/", "https://-a.com"),
        *("https://a..b", "https://example.com/<script>", "https://example.com/" + "a" * 2048),
    ],
    ids=lambda url: repr(url)[:40],
)
async def test_a_customer_is_sent_to_sound_addresses_only(
    client: Client, plan_id: str, url: str
) -> None:
    asked = {"planId": plan_id, "successUrl": url, "cancelUrl": url}

    refused = await client.post(PATH, asked)

    assert (refused.status, refused.paths) == (422, ["successUrl", "cancelUrl"])


@pytest.mark.parametrize(
    "url",
    [
        *("https://example.com", "HTTPS://Example.COM/", "https://example.com:8443/a?b=c%20d#e"),
        *("https://localhost/", "https://[2001:db8::1]/", "https://xn--exmple-cua.com"),
    ],
)
async def test_any_sound_https_address_will_do_in_both_modes(
    server: Server, tenant: str, mode: Mode, url: str
) -> None:
    client = await server.client(tenant, mode)

    made = await client.post(PATH, {"amount": 1, "successUrl": url})

    assert (made.status, made.json["successUrl"]) == (201, url)
    assert is_token(made.json["token"], f"cs_{mode.value}_")


@pytest.mark.parametrize(
    "url", ["http://localhost:3000/x", "http://127.0.0.1", "http://[::1]:8080/"]
)
async def test_plain_http_to_this_machine_is_for_tests(
    server: Server, tenant: str, client: Client, url: str
) -> None:
    live = await server.client(tenant, Mode.LIVE)

    tested = await client.post(PATH, {"amount": 1, "cancelUrl": url})
    refused = await live.post(PATH, {"amount": 1, "cancelUrl": url})

    assert tested.status == 201
    assert (refused.status, refused.paths) == (422, ["cancelUrl"])


async def test_a_promo_code_lowers_the_amount_and_is_not_redeemed(
    client: Client, plan_id: str
) -> None:
    promo = await client.post(
        "/v1/promo-codes",
        {"code": "SAVE", "discountType": "percentage", "discountValue": 20, "maxRedemptions": 1},
    )

    made = [await client.post(PATH, {"planId": plan_id, "promoCode": "save"}) for _ in range(2)]

    assert [(row.status, row.json["amount"]) for row in made] == [(201, 400000)] * 2
    assert made[0].json["promoCodeId"] == promo.id
    assert (await client.get(f"/v1/promo-codes/{promo.id}")).json["redeemedCount"] == 0


async def test_a_promo_code_that_does_not_fit_is_422_and_a_closed_one_409(
    client: Client, plan_id: str
) -> None:
    other = await client.post("/v1/plans", GOLD | {"currency": "GHS"})
    save = {"discountType": "percentage", "discountValue": 20}
    await client.post("/v1/promo-codes", save | {"code": "OTHER", "planId": other.id})
    await client.post(
        "/v1/promo-codes",
        {"code": "CEDI", "discountType": "fixed", "discountValue": 100, "currency": "GHS"},
    )
    closed = await client.post("/v1/promo-codes", save | {"code": "CLOSED"})
    await client.patch(f"/v1/promo-codes/{closed.id}", {"active": False})

    async def ask(code: str) -> tuple[int, list[str]]:
        answer = await client.post(PATH, {"planId": plan_id, "promoCode": code})
        return answer.status, answer.paths

    assert await ask("OTHER") == (422, ["promoCode"])
    assert await ask("CEDI") == (422, ["promoCode"])
    assert await ask("CLOSED") == (409, [])


async def test_what_a_session_refers_to_must_be_there_and_open(
    server: Server, client: Client, tenant_b: str, plan_id: str
) -> None:
    stranger = await server.client(tenant_b, Mode.TEST)
    plan = await stranger.post("/v1/plans", GOLD)
    link = await stranger.post("/v1/payment-links", {"planId": plan.id, "slug": "a"})
    customer = await stranger.post("/v1/customers", {})
    foreign = [
        {"planId": plan.id},
        {"paymentLinkId": link.id},
        {"planId": plan_id, "customerId": customer.id},
    ]
    unknown = [
        {"planId": new_id("plan", wall=WALL)},
        {"paymentLinkId": new_id("lnk", wall=WALL)},
        {"planId": plan_id, "customerId": new_id("cus", wall=WALL)},
    ]

    for asked in foreign + unknown:
        answer = await client.post(PATH, asked)
        assert (answer.status, answer.code) == (404, "not_found")
    blacklisted = await client.post("/v1/customers", {})
    await client.post(f"/v1/customers/{blacklisted.id}/blacklist", {})
    refused = await client.post(PATH, {"planId": plan_id, "customerId": blacklisted.id})
    assert (refused.status, refused.code) == (409, "conflict")
    await client.delete(f"/v1/plans/{plan_id}")
    archived = await client.post(PATH, {"planId": plan_id})
    assert (archived.status, archived.code) == (409, "conflict")


async def test_a_publishable_key_starts_a_session_for_a_plan_or_a_link(
    client: Client, publishable: Client, plan_id: str
) -> None:
    link = await client.post("/v1/payment-links", {"planId": plan_id, "slug": "gold"})

    for asked in ({"planId": plan_id}, {"paymentLinkId": link.id}):
        made = await publishable.post(PATH, asked | {"customerEmail": "ada@example.com"})
        assert (made.status, made.json["amount"]) == (201, 500000)


async def test_a_publishable_key_names_no_price_and_no_customer_and_reads_nothing(
    client: Client, publishable: Client, plan_id: str
) -> None:
    customer = await client.post("/v1/customers", {})
    made = await publishable.post(PATH, {"planId": plan_id})

    refusals: list[Answer] = [
        await publishable.post(PATH, {"amount": 1}),
        await publishable.post(PATH, {"planId": plan_id, "customerId": customer.id}),
        await publishable.get(f"{PATH}/{made.id}"),
        await publishable.get(f"/v1/plans/{plan_id}"),
        await publishable.get("/v1/promo-codes"),
    ]

    assert {(answer.status, answer.code) for answer in refusals} == {(403, "forbidden")}


async def test_a_publishable_key_learns_nothing_from_the_keys_of_the_merchant(
    client: Client, publishable: Client, plan_id: str
) -> None:
    mine = await client.post(PATH, {"planId": plan_id}, key="order-7")

    same = await publishable.post(PATH, {"planId": plan_id}, key="order-7")
    again = await publishable.post(PATH, {"planId": plan_id}, key="order-7")

    assert (same.status, same.is_replay) == (201, False)
    assert same.json["token"] != mine.json["token"]
    assert (again.body, again.is_replay) == (same.body, True)


async def test_a_session_is_over_after_a_day_of_business_time(
    client: Client, plan_id: str, clock: FixedClock
) -> None:
    made = await client.post(PATH, {"planId": plan_id})
    path = f"{PATH}/{made.id}"

    clock.move(timedelta(hours=24) - timedelta(microseconds=1))
    before = (await client.get(path)).json["status"]
    clock.move(timedelta(microseconds=1))
    after = (await client.get(path)).json["status"]

    assert (before, after) == ("open", "expired")


async def test_another_tenants_and_another_modes_sessions_are_not_found(
    server: Server, client: Client, tenant: str, tenant_b: str, plan_id: str
) -> None:
    made = await client.post(PATH, {"planId": plan_id})

    for other in (
        await server.client(tenant_b, Mode.TEST),
        await server.client(tenant, Mode.LIVE),
    ):
        answer = await other.get(f"{PATH}/{made.id}")
        assert (answer.status, answer.code) == (404, "not_found")


async def test_the_same_key_makes_one_session(client: Client, plan_id: str) -> None:
    first = await client.post(PATH, {"planId": plan_id}, key="k")
    again = await client.post(PATH, {"planId": plan_id}, key="k")

    assert (again.status, again.body, again.is_replay) == (201, first.body, True)


class TestWithoutALiveGateway:
    @pytest.fixture
    def routes(self, db: Database) -> Sequence[Routes]:
        gateways = Gateways({Mode.TEST: SimulatedGateway(db)})
        return (checkout_routes(gateways, CheckoutLinks(PUBLIC_URL, b"key")),)

    async def test_nobody_is_asked_to_pay_what_cannot_be_charged(
        self, server: Server, tenant: str
    ) -> None:
        live = await server.client(tenant, Mode.LIVE)

        answer = await live.post(PATH, {"amount": 1})

        assert (answer.status, answer.code) == (503, "gateway_not_configured")
