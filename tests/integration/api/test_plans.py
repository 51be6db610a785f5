"""Plans over HTTP."""

import re
from datetime import timedelta

import pytest

from duro.kit.clock import FixedClock
from tests.support.api import Client

GOLD = {"name": "Gold", "amount": 500000, "interval": "month"}


async def test_a_new_plan_is_shown_with_every_default(client: Client) -> None:
    made = await client.post("/v1/plans", GOLD)

    assert made.status == 201
    assert re.fullmatch(r"plan_[0-9A-Z]{26}", made.id)
    assert list(made.json.items())[1:] == [
        ("name", "Gold"),
        ("amount", 500000),
        ("currency", "NGN"),
        ("interval", "month"),
        ("intervalCount", 1),
        ("trialDays", 0),
        ("maxCycles", None),
        ("allowMultiple", False),
        ("active", True),
        ("metadata", {}),
        ("createdAt", "2026-01-28T09:00:00.000Z"),
    ]
    assert (await client.get(f"/v1/plans/{made.id}")).body == made.body


async def test_a_plan_keeps_everything_that_was_given(client: Client) -> None:
    asked = GOLD | {
        "currency": "GHS",
        "interval": "week",
        "intervalCount": 2,
        "trialDays": 14,
        "maxCycles": 12,
        "allowMultiple": True,
        "metadata": {"tier": "1"},
    }

    made = await client.post("/v1/plans", asked)

    assert asked.items() <= made.json.items()


async def test_a_change_touches_only_what_was_given(client: Client) -> None:
    made = await client.post("/v1/plans", GOLD | {"maxCycles": 3, "metadata": {"a": "1"}})

    changed = await client.patch(f"/v1/plans/{made.id}", {"amount": 600000, "maxCycles": None})

    assert changed.status == 200
    assert changed.json == made.json | {"amount": 600000, "maxCycles": None}
    assert (await client.get(f"/v1/plans/{made.id}")).json == changed.json


async def test_an_empty_change_changes_nothing(client: Client) -> None:
    made = await client.post("/v1/plans", GOLD)

    changed = await client.patch(f"/v1/plans/{made.id}", {})

    assert (changed.status, changed.body) == (200, made.body)


@pytest.mark.parametrize("field", ["name", "amount", "trialDays", "metadata"])
async def test_what_every_plan_has_cannot_be_cleared(client: Client, field: str) -> None:
    made = await client.post("/v1/plans", GOLD)

    refused = await client.patch(f"/v1/plans/{made.id}", {field: None})

    assert (refused.status, refused.paths) == (422, [field])


@pytest.mark.parametrize("field", ["currency", "interval", "intervalCount", "active", "id"])
async def test_what_a_plan_is_made_of_cannot_be_changed(client: Client, field: str) -> None:
    made = await client.post("/v1/plans", GOLD)

    refused = await client.patch(f"/v1/plans/{made.id}", {field: made.json[field]})

    assert (refused.status, refused.paths) == (422, [field])


async def test_deleting_a_plan_archives_it_once(client: Client, clock: FixedClock) -> None:
    made = await client.post("/v1/plans", GOLD)

    first = await client.delete(f"/v1/plans/{made.id}")
    clock.move(timedelta(days=1))
    second = await client.delete(f"/v1/plans/{made.id}")

    assert (first.status, first.json) == (200, made.json | {"active": False})
    assert (second.status, second.json) == (200, first.json)
    assert (await client.get(f"/v1/plans/{made.id}")).json == first.json


async def test_plans_are_listed_newest_first_and_by_whether_they_are_active(
    client: Client, clock: FixedClock
) -> None:
    ids = []
    for name in ("A", "B", "C"):
        ids.append((await client.post("/v1/plans", GOLD | {"name": name})).id)
        clock.move(timedelta(seconds=1))
    await client.delete(f"/v1/plans/{ids[1]}")

    every = await client.get("/v1/plans")
    active = await client.get("/v1/plans?active=true")
    archived = await client.get("/v1/plans?active=false")

    assert [plan["id"] for plan in every.json["items"]] == ids[::-1]
    assert [plan["id"] for plan in active.json["items"]] == [ids[2], ids[0]]
    assert [plan["id"] for plan in archived.json["items"]] == [ids[1]]
    assert (every.json["nextCursor"], every.json["hasMore"]) == (None, False)
