"""Lists lose and repeat nothing, and a cursor belongs to one list, tenant and mode."""

import random
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from duro.kit.clock import FixedClock
from duro.kit.db import Database
from duro.kit.modes import Mode
from tests.support.api import Client, Server

GOLD = {"name": "Gold", "amount": 500000, "interval": "month"}


async def pages(client: Client, path: str) -> AsyncIterator[list[str]]:
    """The ids of each page, following the cursors."""
    cursor: str | None = ""
    while cursor is not None:
        answer = await client.get(f"{path}&cursor={cursor}")
        assert answer.status == 200, answer.body
        cursor = answer.json["nextCursor"]
        assert answer.json["hasMore"] == (cursor is not None)
        yield [item["id"] for item in answer.json["items"]]


async def make_plans(client: Client, clock: FixedClock, *, together: list[int]) -> list[str]:
    """Plans in groups of one instant, oldest first."""
    made = []
    for group in together:
        clock.move(timedelta(microseconds=1))
        made.extend([(await client.post("/v1/plans", GOLD)).id for _ in range(group)])
    return made


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8, 100])
async def test_pages_over_equal_instants_lose_and_repeat_nothing(
    client: Client, clock: FixedClock, limit: int
) -> None:
    made = await make_plans(client, clock, together=[1, 4, 2])

    found = [page async for page in pages(client, f"/v1/plans?limit={limit}")]

    assert [each for page in found for each in page] == sorted(made, reverse=True)
    assert all(len(page) == limit for page in found[:-1])
    assert found[-1]


async def test_rows_that_come_meanwhile_do_not_shift_the_pages(
    client: Client, clock: FixedClock
) -> None:
    made = await make_plans(client, clock, together=[3, 3])
    seen = []

    async for page in pages(client, "/v1/plans?limit=2"):
        seen.extend(page)
        await make_plans(client, clock, together=[1])

    assert seen == sorted(made, reverse=True)


async def test_random_lists_are_walked_whole_under_filters(
    client: Client, clock: FixedClock
) -> None:
    rng = random.Random(20260128)
    made = await make_plans(client, clock, together=[rng.randint(1, 5) for _ in range(12)])
    archived = set(rng.sample(made, len(made) // 3))
    for plan_id in archived:
        await client.delete(f"/v1/plans/{plan_id}")

    for limit in (1, rng.randint(2, 9), 100):
        for query, expected in (("false", archived), ("true", set(made) - archived)):
            path = f"/v1/plans?active={query}&limit={limit}"
            seen = [each async for page in pages(client, path) for each in page]
            assert seen == sorted(expected, reverse=True)


async def test_a_range_of_creation_holds_over_all_pages(client: Client, clock: FixedClock) -> None:
    made = await make_plans(client, clock, together=[2, 2, 2, 2])

    path = (
        "/v1/plans?limit=1&createdFrom=2026-01-28T09:00:00.000002Z"
        "&createdTo=2026-01-28T09:00:00.000004Z"
    )
    seen = [each async for page in pages(client, path) for each in page]

    assert seen == made[2:6][::-1]


async def test_an_empty_list_is_one_empty_page(client: Client) -> None:
    answer = await client.get("/v1/plans?cursor=")

    assert answer.json == {"items": [], "nextCursor": None, "hasMore": False}


async def test_without_a_limit_a_page_holds_twenty(client: Client, clock: FixedClock) -> None:
    await make_plans(client, clock, together=[21])

    answer = await client.get("/v1/plans")

    assert len(answer.json["items"]) == 20
    assert answer.json["hasMore"] is True


async def test_a_cursor_serves_its_own_list_tenant_and_mode_only(
    server: Server, client: Client, clock: FixedClock, tenant: str, tenant_b: str
) -> None:
    await make_plans(client, clock, together=[2])
    cursor = (await client.get("/v1/plans?limit=1")).json["nextCursor"]
    other = await server.client(tenant_b, Mode.TEST)
    live = await server.client(tenant, Mode.LIVE)

    answers = [
        await client.get(f"/v1/customers?cursor={cursor}"),
        await other.get(f"/v1/plans?cursor={cursor}"),
        await live.get(f"/v1/plans?cursor={cursor}"),
        await client.get(f"/v1/plans?cursor={cursor[:-2]}"),
        await client.get(f"/v1/plans?cursor={cursor}!"),
    ]

    assert [(each.status, each.paths) for each in answers] == [(422, ["cursor"])] * 5
    assert (await client.get(f"/v1/plans?cursor={cursor}")).status == 200


async def test_a_page_is_read_from_the_index_however_deep_it_lies(
    db: Database, tenant: str
) -> None:
    # The bound of the keyset must be an index condition, not a filter over all newer rows.
    async with db.begin(Mode.TEST, tenant) as tx:
        await tx._connection.execute("SET LOCAL enable_seqscan = off")  # noqa: SLF001 - planner
        plan = await tx._connection.fetch(  # noqa: SLF001 - no statement of ours explains
            "EXPLAIN SELECT id FROM plans WHERE tenant_id = $1"
            " AND (created_at, id) < ($2::timestamptz, $3::text)"
            " ORDER BY created_at DESC, id DESC LIMIT 2",
            tenant,
            tx.now,
            "plan_",
        )

    text = "\n".join(line[0] for line in plan)
    assert "Sort" not in text
    assert "ROW(created_at, id) < ROW(" in text.partition("Index Cond")[2]
