"""Webhook endpoints and their deliveries as a developer sees and runs them in the dashboard."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from duro.kit.clock import FixedClock, SystemClock
from duro.kit.modes import Mode
from duro.modules.events.model import EventType
from duro.modules.members.model import Role
from tests.support.dashboard import Office, Visitor
from tests.support.receiver import Receiver, running_receiver
from tests.support.webhooks import verifies

PAID = EventType.SUBSCRIPTION_PAYMENT_SUCCESS
MADE = EventType.SUBSCRIPTION_CREATED


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with running_receiver() as running:
        yield running


@pytest.fixture
async def dev(office: Office, tenant: str) -> Visitor:
    return await office.signed_in(tenant, Role.DEVELOPER)


@pytest.fixture
def endpoints(mode: Mode) -> str:
    return f"/dashboard/api/{mode}/webhook-endpoints"


@pytest.fixture
def clock() -> FixedClock:
    """At the present, which the official library asks of a signature."""
    return FixedClock(SystemClock().wall())


def delivery_at(endpoints: str, sent: dict[str, Any]) -> str:
    return f"{endpoints.replace('endpoints', 'deliveries')}/{sent['id']}"


async def made(dev: Visitor, endpoints: str, url: str, **fields: object) -> dict[str, Any]:
    answer = await dev.post(endpoints, {"url": url, **fields})
    assert answer.status == 201, answer.body
    return answer.json


async def test_an_endpoint_is_made_with_a_secret_that_is_shown_once(
    dev: Visitor, endpoints: str, receiver: Receiver
) -> None:
    first = await made(dev, endpoints, receiver.url, events=["invoice_created"])
    read = (await dev.get(f"{endpoints}/{first['id']}")).json
    listed = await dev.get(endpoints)

    assert first["secret"].startswith("whsec_")
    assert first["events"] == ["invoice_created"]
    assert read == {name: value for name, value in first.items() if name != "secret"}
    assert listed.json["items"] == [read]
    assert b"whsec_" not in listed.body


async def test_endpoints_are_listed_in_pages_newest_first(
    dev: Visitor, endpoints: str, receiver: Receiver, clock: FixedClock
) -> None:
    ids = []
    for number in range(5):
        ids.append((await made(dev, endpoints, f"{receiver.url}/{number}"))["id"])
        clock.move(timedelta(seconds=1))
    seen: list[str] = []
    cursor: str | None = ""

    while cursor is not None:
        page = (await dev.get(f"{endpoints}?limit=2&cursor={cursor}")).json
        seen += [each["id"] for each in page["items"]]
        cursor = page["nextCursor"]

    assert seen == ids[::-1]


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({}, ["url"]),
        ({"url": ""}, ["url"]),
        ({"url": "http://169.254.169.254/"}, ["url"]),
        ({"url": "https://shop.example:22/"}, ["url"]),
        ({"url": "https://user:secret@shop.example/"}, ["url"]),
        ({"url": "http://127.0.0.1/", "events": ["no_such"]}, ["events.0"]),
        ({"url": "http://127.0.0.1/", "events": "invoice_created"}, ["events"]),
        ({"url": "http://127.0.0.1/", "secret": "x"}, ["secret"]),
    ],
)
async def test_what_cannot_be_an_endpoint_is_refused_with_its_path(
    dev: Visitor, endpoints: str, body: dict[str, object], paths: list[str]
) -> None:
    answer = await dev.post(endpoints, body)

    assert (answer.status, answer.code) == (422, "validation_error")
    assert answer.paths == paths
    assert (await dev.get(endpoints)).json["items"] == []


async def test_an_address_and_types_change_by_themselves(
    dev: Visitor, endpoints: str, receiver: Receiver
) -> None:
    first = await made(dev, endpoints, receiver.url, events=["invoice_created"])
    one = f"{endpoints}/{first['id']}"

    moved = await dev.patch(one, {"url": f"{receiver.url}/other"})
    widened = await dev.patch(one, {"events": []})
    inside = await dev.patch(one, {"url": "https://10.0.0.1/"})
    nulls = await dev.patch(one, {"url": None, "events": None})

    assert (moved.json["url"], moved.json["events"]) == (
        f"{receiver.url}/other",
        ["invoice_created"],
    )
    assert (widened.json["url"], widened.json["events"]) == (f"{receiver.url}/other", [])
    assert (inside.status, inside.paths) == (422, ["url"])
    assert (nulls.status, nulls.paths) == (422, ["url", "events"])
    assert (await dev.get(one)).json == widened.json


async def test_a_secret_is_rotated_and_both_sign_until_the_next_time(
    office: Office, dev: Visitor, endpoints: str, receiver: Receiver, mode: Mode
) -> None:
    first = await made(dev, endpoints, receiver.url)
    second = (await dev.post(f"{endpoints}/{first['id']}/rotate-secret")).json
    await office.happen(mode, dev.tenant_id, PAID)
    third = (await dev.post(f"{endpoints}/{first['id']}/rotate-secret")).json
    await office.happen(mode, dev.tenant_id, PAID)

    secrets = [each["secret"] for each in (first, second, third)]
    overlap, later = receiver.received
    assert len(set(secrets)) == 3
    assert [verifies(secret, overlap) for secret in secrets] == [True, True, False]
    assert [verifies(secret, later) for secret in secrets] == [False, True, True]


async def test_an_endpoint_is_disabled_enabled_and_removed(
    office: Office, dev: Visitor, endpoints: str, receiver: Receiver, mode: Mode
) -> None:
    first = await made(dev, endpoints, receiver.url)
    one = f"{endpoints}/{first['id']}"
    receiver.status = 500
    await office.happen(mode, dev.tenant_id, PAID)

    disabled = (await dev.post(f"{one}/disable")).json
    enabled = (await dev.post(f"{one}/enable")).json
    receiver.status = 200
    await office.do("webhook.deliver", mode, dev.tenant_id)
    removed = await dev.delete(one)

    assert (disabled["disabledReason"], disabled["disabledAt"] is None) == ("asked", False)
    assert (enabled["disabledAt"], enabled["waiting"]) == (None, 1)
    assert len(receiver.received) == 2
    assert (removed.status, removed.json) == (200, {"id": first["id"]})
    assert [(await dev.get(one)).status, (await dev.delete(one)).status] == [404, 404]


async def test_a_test_says_what_was_answered(
    dev: Visitor, endpoints: str, receiver: Receiver
) -> None:
    first = await made(dev, endpoints, receiver.url)
    away = await made(dev, endpoints, "http://127.0.0.1:9/")

    fine = (await dev.post(f"{endpoints}/{first['id']}/test")).json
    receiver.status = 418
    odd = (await dev.post(f"{endpoints}/{first['id']}/test")).json
    none = (await dev.post(f"{endpoints}/{away['id']}/test")).json

    assert fine == {"isDelivered": True, "status": 200, "answer": "noted", "error": None}
    assert (odd["isDelivered"], odd["status"]) == (False, 418)
    assert (none["isDelivered"], none["status"], bool(none["error"])) == (False, None, True)
    assert verifies(first["secret"], receiver.received[0])
    assert receiver.received[0].headers["Duro-Event-Type"] == "webhook_test"


async def test_deliveries_show_their_attempts_answers_and_how_long_they_took(
    office: Office,
    dev: Visitor,
    endpoints: str,
    receiver: Receiver,
    mode: Mode,
    clock: FixedClock,
) -> None:
    first = await made(dev, endpoints, receiver.url)
    receiver.status = 500
    await office.happen(mode, dev.tenant_id, PAID)
    clock.move(timedelta(minutes=2))
    receiver.status = 200
    await office.do("webhook.deliver", mode, dev.tenant_id)
    clock.move(timedelta(seconds=1))
    await office.happen(mode, dev.tenant_id, MADE)

    listed = (await dev.get(f"{endpoints}/{first['id']}/deliveries")).json
    detail = (await dev.get(delivery_at(endpoints, listed["items"][1]))).json
    none = (await dev.get(f"{endpoints}/{first['id']}/deliveries?status=failed")).json

    assert [each["eventType"] for each in listed["items"]] == [MADE, PAID]
    assert {each["status"] for each in listed["items"]} == {"delivered"}
    assert none["items"] == []
    assert {name: detail[name] for name in listed["items"][1]} == listed["items"][1]
    log = detail["attemptLog"]
    assert [(each["number"], each["status"], each["answer"]) for each in log] == [
        (1, 500, "noted"),
        (2, 200, "noted"),
    ]
    assert all(each["durationMs"] >= 0 for each in log)


async def test_deliveries_are_listed_in_pages_of_their_endpoint_alone(
    office: Office, dev: Visitor, endpoints: str, receiver: Receiver, mode: Mode
) -> None:
    first = await made(dev, endpoints, receiver.url)
    other = await made(dev, endpoints, receiver.url, events=["invoice_created"])
    await office.happen(mode, dev.tenant_id, PAID, MADE, PAID)
    at = f"{endpoints}/{first['id']}/deliveries"

    page = (await dev.get(f"{at}?limit=2")).json
    rest = (await dev.get(f"{at}?cursor={page['nextCursor']}")).json
    elsewhere = (await dev.get(f"{endpoints}/{other['id']}/deliveries")).json
    stolen = await dev.get(f"{endpoints}/{other['id']}/deliveries?cursor={page['nextCursor']}")

    ids = [each["id"] for each in (*page["items"], *rest["items"])]
    assert len(set(ids)) == 3
    assert ids == sorted(ids, reverse=True)
    assert rest["nextCursor"] is None
    assert elsewhere["items"] == []
    assert (stolen.status, stolen.paths) == (422, ["cursor"])


async def test_one_delivery_and_a_span_are_sent_once_more_under_the_same_ids(
    office: Office,
    dev: Visitor,
    endpoints: str,
    receiver: Receiver,
    mode: Mode,
) -> None:
    first = await made(dev, endpoints, receiver.url)
    await office.happen(mode, dev.tenant_id, PAID, MADE)
    one = f"{endpoints}/{first['id']}"
    (newest, _) = (await dev.get(f"{one}/deliveries")).json["items"]

    single = (await dev.post(f"{delivery_at(endpoints, newest)}/replay")).json
    await office.do("webhook.deliver", mode, dev.tenant_id)
    since = {"since": "2026-01-28T00:00:00Z"}
    missed = (await dev.post(f"{one}/replay", since)).json
    every = (await dev.post(f"{one}/replay", since | {"all": True})).json
    later = {"since": "2026-01-28T00:00:00Z", "until": "2026-01-28T01:00:00Z", "all": True}
    before = (await dev.post(f"{one}/replay", later)).json
    await office.do("webhook.deliver", mode, dev.tenant_id)

    assert [each["count"] for each in (single, missed, every, before)] == [1, 0, 2, 0]
    assert len(receiver.event_ids) == 5
    assert len(set(receiver.event_ids)) == 2


async def test_nothing_is_sent_once_more_to_a_disabled_endpoint(
    office: Office,
    dev: Visitor,
    endpoints: str,
    receiver: Receiver,
    mode: Mode,
) -> None:
    first = await made(dev, endpoints, receiver.url)
    await office.happen(mode, dev.tenant_id, PAID)
    one = f"{endpoints}/{first['id']}"
    (sent,) = (await dev.get(f"{one}/deliveries")).json["items"]
    await dev.post(f"{one}/disable")

    single = await dev.post(f"{delivery_at(endpoints, sent)}/replay")
    span = await dev.post(f"{one}/replay", {"since": "2026-01-28T00:00:00Z"})

    assert [(each.status, each.code) for each in (single, span)] == [(409, "conflict")] * 2
