"""Plans over HTTP."""

import re

from tests.integration.api.conftest import Client

GOLD = {"name": "Gold", "amount": 500000, "interval": "month"}


async def test_a_new_plan_is_shown_with_every_default(client: Client) -> None:
    answer = await client.post("/v1/plans", GOLD)

    assert answer.status == 201
    assert re.fullmatch(r"plan_[0-9A-Z]{26}", answer.json["id"])
    assert list(answer.json.items())[1:] == [
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
    assert (await client.get(f"/v1/plans/{answer.json['id']}")).body == answer.body
