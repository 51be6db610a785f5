"""Delivery: claim what is due, send it outside any transaction, record what came of it."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import structlog

from duro.kit.clock import monotonic_s
from duro.kit.envelope import Envelope
from duro.kit.work import Ran, WorkScope
from duro.modules.webhooks.egress import Answer, Egress
from duro.modules.webhooks.model import (
    ClaimedDelivery,
    DeliveryStatus,
    DisabledReason,
    Outcome,
)
from duro.modules.webhooks.notices import tell_disabled
from duro.modules.webhooks.repository import DeliveryRepository, EndpointRepository
from duro.modules.webhooks.schedule import judge, own_fault
from duro.modules.webhooks.sealing import open_secrets
from duro.modules.webhooks.signing import signed_headers, write_body

log = structlog.get_logger(__name__)

# Longer than one delivery can wait for the one before it (20 s), for a connection (20 s) and for its answer (15 s).
_LEASE: Final = timedelta(seconds=60)
_PER_ENDPOINT_MAX: Final = 20
# What a round has under way: fewer than it may do, so that it claims and records while it sends.
_AT_ONCE: Final = 100
# How long slow endpoints are given more in one round: with the turn of its job before it, and the wait and the answer
# of a last attempt after it, it ends before the job is stopped.
_ROUND_S: Final = 10.0
_ORDER_WAIT_S: Final = 20.0
# How long what falls due meanwhile may wait for attempts that are under way.
_POLL_S: Final = 0.25
# Attempts that end this soon after one another are recorded together.
_GATHER_S: Final = 0.02
# An attempt that takes longer holds up nobody but its own endpoint.
_SLOW_S: Final = 0.2
# What slow endpoints may have under way together, beside what a round has room for; each has its share of it.
_SLOW_MAX: Final = 100
# So many bodies are kept at once, of a round that goes on for long.
_BODIES_MAX: Final = 500
# Business time without a single success, after which an endpoint is disabled.
FAILING_MAX: Final = timedelta(days=5)


@dataclass(frozen=True, slots=True)
class _Sent:
    """The receiver's answer, or null when something of ours broke."""

    answer: Answer | None
    duration_ms: int = 0


_Task: TypeAlias = asyncio.Task[_Sent]
_Sealed: TypeAlias = tuple[bytes, bytes | None]


@dataclass(frozen=True, slots=True)
class _Attempt:
    delivery: ClaimedDelivery
    lease_until: datetime
    started_s: float


@dataclass(slots=True)
class _Round:
    """One call of `Deliverer.run`.

    It keeps claiming while a slow receiver makes it wait, so that the others do not wait with it.
    """

    scope: WorkScope
    limit: int
    egress: Egress
    envelope: Envelope
    began_s: float = field(default_factory=monotonic_s)
    done: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    under_way: dict[_Task, _Attempt] = field(default_factory=dict)
    # The last delivery of each object to each endpoint: the next one waits for it.
    last_of: dict[tuple[str, str], _Task] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    secrets: dict[str, tuple[_Sealed, Sequence[str]]] = field(default_factory=dict)
    # Endpoints that were slow at any moment of this round.
    slow: set[str] = field(default_factory=set)
    has_rung: bool = False

    async def run(self) -> Ran:
        try:
            async with asyncio.TaskGroup() as group:
                await self._work(group)
        except BaseExceptionGroup as failed:
            # Attempts answer and never raise, so the one error in the group is that of the database.
            raise failed.exceptions[0] from None
        return Ran(self.done, self.counts)

    async def _work(self, group: asyncio.TaskGroup) -> None:
        ended: set[_Task] = set()
        while True:
            # What was answered is written down while what comes next is claimed.
            recording = group.create_task(self._record(self._take(ended)))
            slow = self._slow_endpoints()
            if (room := self._room(slow)) > 0:
                await self._start(group, room, slow)
            await recording
            if not self.under_way:
                return
            ended, _ = await asyncio.wait(
                self.under_way, timeout=_POLL_S, return_when=asyncio.FIRST_COMPLETED
            )
            if ended:
                ended, _ = await asyncio.wait(self.under_way, timeout=_GATHER_S)

    def _take(self, ended: set[_Task]) -> list[tuple[_Attempt, _Sent]]:
        """Ended attempts leave their places at once; their leases keep others from them until they are recorded."""
        self.done += len(ended)
        return [(self.under_way.pop(task), task.result()) for task in ended]

    def _room(self, slow: set[str]) -> int:
        """How many more may start: past the limit only beside slow ones, which must not hold up the rest."""
        held = sum(attempt.delivery.endpoint_id in slow for attempt in self.under_way.values())
        room = min(self.limit, _AT_ONCE) - (len(self.under_way) - min(held, _SLOW_MAX))
        return room if slow else min(room, self.limit - self.done - len(self.under_way))

    def _slow_endpoints(self) -> set[str]:
        """Those that are slow at this moment."""
        since = monotonic_s() - _SLOW_S
        slow = {
            attempt.delivery.endpoint_id
            for attempt in self.under_way.values()
            if attempt.started_s < since
        }
        self.slow |= slow
        return slow

    def _is_past(self) -> bool:
        """Whether slow ones get nothing more, so that the round ends as soon as they do."""
        is_long = monotonic_s() - self.began_s >= _ROUND_S
        return is_long or self.done + len(self.under_way) >= self.limit

    async def _start(self, group: asyncio.TaskGroup, room: int, slow: set[str]) -> None:
        busy = Counter(attempt.delivery.endpoint_id for attempt in self.under_way.values())
        is_past = self._is_past()
        if is_past:
            busy.update(dict.fromkeys(self.slow, _PER_ENDPOINT_MAX))
        elif slow:
            share = min(max(_SLOW_MAX // len(slow), 1), _PER_ENDPOINT_MAX)
            busy.update(dict.fromkeys(slow, _PER_ENDPOINT_MAX - share))
        async with self.scope.begin() as tx:
            lease_until = tx.wall + _LEASE
            claimed = await DeliveryRepository(tx).claim(
                room, per_endpoint=_PER_ENDPOINT_MAX, under_way=busy, lease_until=lease_until
            )
            if not claimed and not busy:
                await DeliveryRepository(tx).park()
            if is_past and self.slow and not self.has_rung:
                # What they still have to get is for another round, at once.
                tx.ring("webhook.deliver")
                self.has_rung = True
        for delivery in claimed:
            key = (delivery.endpoint_id, delivery.object_id)
            task = group.create_task(self._send(delivery, after=self.last_of.get(key)))
            self.last_of[key] = task
            self.under_way[task] = _Attempt(delivery, lease_until, monotonic_s())

    async def _send(self, delivery: ClaimedDelivery, *, after: _Task | None) -> _Sent:
        if after is not None:
            await asyncio.wait([after], timeout=_ORDER_WAIT_S)
        try:
            body, headers = self._signed(delivery)
            began_s = monotonic_s()
            answer = await self.egress.post(delivery.url, body=body, headers=headers)
        except Exception:
            # The boundary of one delivery: a fault of ours must neither use up the receiver's tries nor stop the rest.
            log.exception("webhook_not_sent", delivery_id=delivery.id)
            return _Sent(None)
        return _Sent(answer, round((monotonic_s() - began_s) * 1000))

    def _signed(self, delivery: ClaimedDelivery) -> tuple[bytes, dict[str, str]]:
        body = self._body(delivery)
        headers = signed_headers(
            body,
            event_id=delivery.event_id,
            event_type=delivery.event_type,
            secret_texts=self._secrets(delivery),
            wall=self.scope.db.clock.wall(),
        )
        return body, headers

    def _body(self, delivery: ClaimedDelivery) -> bytes:
        """Written once for all endpoints that an event goes to."""
        body = self.bodies.get(delivery.event_id)
        if body is None:
            if len(self.bodies) >= _BODIES_MAX:
                self.bodies.clear()
            body = self.bodies[delivery.event_id] = write_body(
                event_id=delivery.event_id,
                event_type=delivery.event_type,
                created_at=delivery.event_at,
                data=delivery.data,
            )
        return body

    def _secrets(self, delivery: ClaimedDelivery) -> Sequence[str]:
        """Opened once for all events that an endpoint gets, and again after a rotation."""
        sealed = (delivery.secret, delivery.old_secret)
        kept, secrets = self.secrets.get(delivery.endpoint_id, (None, ()))
        if kept != sealed:
            secrets = open_secrets(self.envelope, self.scope, delivery.endpoint_id, sealed)
            self.secrets[delivery.endpoint_id] = (sealed, secrets)
        return secrets

    async def _record(self, attempts: list[tuple[_Attempt, _Sent]]) -> None:
        if not attempts:
            return
        by_lease: dict[datetime, list[Outcome]] = {}
        async with self.scope.begin() as tx:
            for attempt, sent in attempts:
                outcome = _outcome(attempt.delivery, sent, now=tx.now, wall=tx.wall)
                by_lease.setdefault(attempt.lease_until, []).append(outcome)
            recorded = [outcome for outcomes in by_lease.values() for outcome in outcomes]
            # Lock order: endpoint, then deliveries, as when an endpoint is removed.
            disabled = await _note_endpoints(EndpointRepository(tx), recorded, now=tx.now)
            for lease_until, outcomes in by_lease.items():
                await DeliveryRepository(tx).record(outcomes, lease_until=lease_until)
            await tell_disabled(tx, disabled)
        self._count(recorded)
        for endpoint_id, reason in disabled.items():
            log.warning("webhook_endpoint_disabled", endpoint_id=endpoint_id, reason=reason)

    def _count(self, recorded: list[Outcome]) -> None:
        for outcome in recorded:
            is_delivered = outcome.status is DeliveryStatus.DELIVERED
            self.counts["deliveries" if is_delivered else "deliveryFailures"] += 1
            if not is_delivered:
                log.info(
                    "webhook_not_delivered",
                    delivery_id=outcome.id,
                    endpoint_id=outcome.endpoint_id,
                    status=outcome.status,
                    reason=outcome.last_error,
                    next_attempt_at=outcome.next_attempt_at,
                )


async def _note_endpoints(
    endpoints: EndpointRepository, outcomes: Iterable[Outcome], *, now: datetime
) -> dict[str, DisabledReason]:
    """Keep which endpoints fail, and disable those that want no more or have failed for too long."""
    theirs = [each for each in outcomes if each.attempts_used]
    if not theirs:
        return {}
    arrived = {each.endpoint_id for each in theirs if each.status is DeliveryStatus.DELIVERED}
    tried = sorted({each.endpoint_id for each in theirs})
    await endpoints.note({endpoint_id: endpoint_id in arrived for endpoint_id in tried})
    disabled: dict[str, DisabledReason] = {}
    if gone := sorted({each.endpoint_id for each in theirs if each.is_endpoint_gone}):
        ended = await endpoints.disable(gone, DisabledReason.GONE)
        disabled.update(dict.fromkeys(ended, DisabledReason.GONE))
    if failing := [endpoint_id for endpoint_id in tried if endpoint_id not in arrived]:
        ended = await endpoints.disable_failing(failing, since=now - FAILING_MAX)
        disabled.update(dict.fromkeys(ended, DisabledReason.FAILING))
    return disabled


def _outcome(delivery: ClaimedDelivery, sent: _Sent, *, now: datetime, wall: datetime) -> Outcome:
    if sent.answer is None:
        return own_fault(delivery, now=now)
    outcome = judge(delivery, sent.answer, now=now, wall=wall)
    return replace(outcome, duration_ms=sent.duration_ms)


@dataclass(frozen=True, slots=True)
class Deliverer:
    """Sends what is due to the endpoints of one tenant and mode at a time."""

    egress: Egress
    envelope: Envelope

    async def run(self, scope: WorkScope, limit: int) -> Ran:
        """Attempt due deliveries; it may take as long as a few receivers' time-outs."""
        return await _Round(scope, limit, self.egress, self.envelope).run()
