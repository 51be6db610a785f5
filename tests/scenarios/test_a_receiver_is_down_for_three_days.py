"""A merchant's receiver is down for three days; when it is up all of their events arrive, with their own time."""

from datetime import datetime, timedelta
from itertools import pairwise

from duro.kit.clock import SystemClock
from duro.kit.modes import Mode
from tests.support.receiver import running_receiver
from tests.support.stories import Story
from tests.support.webhooks import verifies

# First try at once, then after these; the ninth would come on the fourth day.
_WAITS = tuple(
    timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360, 24 * 60, 24 * 60, 24 * 60)
)


async def test_nothing_of_three_days_is_lost_and_the_tries_follow_the_schedule(
    story: Story,
) -> None:
    async with running_receiver() as there:
        url, port = there.url, int(there.url.rpartition(":")[2].partition("/")[0])
    endpoints = story.merchant.app.system.endpoints
    endpoint = await endpoints.add(Mode.TEST, story.merchant.tenant_id, url=url)

    made = await story.merchant.subscribe(paymentMethodId="pm_test_ok")
    down = await story.merchant.advance(by="P3D")
    tried = await _tries(story)
    async with running_receiver(port) as receiver:
        up = await story.merchant.advance(by="P1D")

    assert down["counts"].get("deliveries", 0) == 0
    assert len(tried) == 4
    for instants in tried.values():
        waits = [late - early for early, late in pairwise(instants)]
        assert len(waits) == 7
        for wait, described in zip(waits, _WAITS, strict=False):
            assert described * 0.9 <= wait <= described
    assert up["counts"]["deliveries"] == 4
    assert sorted(receiver.event_ids) == sorted(tried)
    wall_s = SystemClock().wall().timestamp()
    for got in receiver.received:
        assert verifies(endpoint.secret, got)
        assert abs(wall_s - int(got.headers["webhook-timestamp"])) < 120
        # The story began on this day; the receiver came back three days later.
        assert got.json["createdAt"] == made["createdAt"]


async def _tries(story: Story) -> dict[str, list[datetime]]:
    """When each event was tried, by the test clock."""
    rows = await story.query(
        "SELECT d.event_id, array_agg(a.at ORDER BY a.number) AS instants"
        "  FROM webhook_attempts AS a JOIN webhook_deliveries AS d ON d.id = a.delivery_id"
        " GROUP BY d.event_id"
    )
    return {row["event_id"]: row["instants"] for row in rows}
