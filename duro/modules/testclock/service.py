"""Moving a test clock: an advance is stored, done by the worker due instant by due instant, and waited for."""

import asyncio
import re
from calendar import monthrange
from datetime import datetime, timedelta
from typing import Final

from duro.billing.cycle import Interval
from duro.errors import ConflictError, UnavailableError
from duro.kit.clock import monotonic_s
from duro.kit.db import Tx
from duro.kit.ids import new_id
from duro.kit.schema import refuse
from duro.kit.work import WorkScope
from duro.modules.events.repository import EventRepository
from duro.modules.testclock.model import Advance, Outcome
from duro.modules.testclock.repository import ClockRepository

_ADVANCE_MAX: Final = timedelta(days=731)
_DUE_ITEMS_MAX: Final = 200_000
_EVENTS_SHOWN: Final = 1000
_POLL_S: Final = 0.03
_WAIT_MAX_S: Final = 600.0
_DURATION: Final = re.compile(
    r"P(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?"
    r"(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?",
    re.ASCII,
)
_LENGTH: Final = {
    Interval.HOUR: timedelta(hours=1),
    Interval.DAY: timedelta(days=1),
    Interval.WEEK: timedelta(days=7),
    Interval.MONTH: timedelta(days=28),
    Interval.QUARTER: timedelta(days=90),
    Interval.BIANNUAL: timedelta(days=181),
    Interval.YEAR: timedelta(days=365),
}
COUNTED: Final = (
    *("renewals", "charges", "failures", "retries", "recovered", "exhausted", "canceled"),
    *("expired", "reminders", "lookups", "events", "messages", "deliveries"),
)


async def request_advance(tx: Tx, *, to: datetime | None, by: str | None) -> str | None:
    """Stores an advance and answers its id; None while another one is under way."""
    clocks = ClockRepository(tx)
    now = await clocks.lock() or tx.wall
    if await clocks.find_open_advance() is not None:
        return None
    target = _target(now, to, by)
    await _demand_bounded(clocks, now, target, path="to" if by is None else "by")
    await clocks.set(now)
    advance_id = new_id("clk", wall=tx.wall)
    await clocks.add_advance(advance_id, target, await EventRepository(tx).last_position())
    tx.ring("testclock.advance")
    return advance_id


async def wait_for(scope: WorkScope, advance_id: str) -> Outcome:
    """The outcome of an advance once the worker has done it.

    Raises `ConflictError` when a reset erased it, and `UnavailableError` when no worker does it: the target stays
    stored and is done later.
    """
    until_s = monotonic_s() + _WAIT_MAX_S
    while monotonic_s() < until_s:
        async with scope.begin() as tx:
            advance = await ClockRepository(tx).find_advance(advance_id)
            if advance is None:
                raise ConflictError("The test clock was reset before the advance was answered.")
            if advance.finished_at is not None:
                return await _outcome(tx, advance)
        await asyncio.sleep(_POLL_S)
    raise UnavailableError("The advance is stored and still under way; read the test clock later.")


async def wait_until_free(scope: WorkScope) -> None:
    """Until no advance is under way."""
    until_s = monotonic_s() + _WAIT_MAX_S
    while monotonic_s() < until_s:
        if not await is_advancing(scope):
            return
        await asyncio.sleep(_POLL_S)
    raise UnavailableError("Another advance is still under way.")


async def is_advancing(scope: WorkScope) -> bool:
    async with scope.begin() as tx:
        return await ClockRepository(tx).find_open_advance() is not None


async def reset(tx: Tx) -> None:
    """Erases the tenant's test objects and lets its clock run in real time."""
    clocks = ClockRepository(tx)
    await clocks.lock()
    if await clocks.find_open_advance() is not None:
        raise ConflictError("The clock is being advanced; wait until it is done.")
    if await clocks.is_charging():
        # Its money would stand in the gateway's books and nowhere else.
        raise ConflictError("A charge is under way; try again in a moment.")
    await clocks.erase()


async def start_back(tx: Tx, at: datetime) -> None:
    """Puts the clock of an empty tenant into the past, for a seeder only."""
    clocks = ClockRepository(tx)
    await clocks.lock()
    await clocks.set(at)


async def release(tx: Tx) -> None:
    """Lets the clock run in real time again, keeping everything, for a seeder only."""
    await ClockRepository(tx).set(None)


async def _outcome(tx: Tx, advance: Advance) -> Outcome:
    if advance.failure is not None:
        raise UnavailableError(f"The advance stopped at {tx.now.isoformat()}: {advance.failure}.")
    events = await EventRepository(tx).list_after(advance.after_event, limit=_EVENTS_SHOWN)
    counts = {name: advance.counts.get(name, 0) for name in COUNTED}
    return Outcome(advance.target_at, counts | advance.counts, events)


def _target(now: datetime, to: datetime | None, by: str | None) -> datetime:
    if (to is None) == (by is None):
        raise refuse("to", "Give either `to` or `by`.")
    path, target = ("to", to) if to is not None else ("by", add_duration(now, by or ""))
    if target is None:
        raise refuse("by", "Must be an ISO 8601 duration such as P1D, P1M or PT6H.")
    if target < now:
        raise refuse(path, "The clock moves only forward.")
    if target - now > _ADVANCE_MAX:
        raise refuse(path, "At most two years at a time.")
    return target


def add_duration(at: datetime, text: str) -> datetime | None:
    """`at` plus an ISO 8601 duration, months by the calendar in UTC; None if it is not one."""
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        return None
    years, months, weeks, days, hours, minutes, seconds = (
        int(part or 0) for part in found.groups()
    )
    year, month0 = divmod(at.year * 12 + at.month - 1 + years * 12 + months, 12)
    try:
        day = min(at.day, monthrange(year, month0 + 1)[1])
        moved = at.replace(year=year, month=month0 + 1, day=day)
        return moved + timedelta(
            days=weeks * 7 + days, hours=hours, minutes=minutes, seconds=seconds
        )
    except (ValueError, OverflowError):
        return None


async def _demand_bounded(
    clocks: ClockRepository, now: datetime, target: datetime, *, path: str
) -> None:
    items = 0
    for interval, count, subscriptions in await clocks.cadences(target):
        items += subscriptions * (1 + (target - now) // (_LENGTH[interval] * count))
    if items > _DUE_ITEMS_MAX:
        raise refuse(
            path, f"About {items} renewals fall due on the way; the limit is {_DUE_ITEMS_MAX}."
        )
