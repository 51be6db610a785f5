"""Answers one operation: credential, input, idempotency key, transaction, handler, reply."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final, TypeAlias

import structlog
from aiohttp import hdrs, web

from duro.errors import (
    BadRequestError,
    ConflictError,
    DuroError,
    ForbiddenError,
    NotFoundError,
    UnavailableError,
)
from duro.kit import idempotency
from duro.kit.call import Call, Credential, CredentialKind, Visit
from duro.kit.db import Database
from duro.kit.gate import Gate
from duro.kit.gather import Gathered
from duro.kit.idempotency import Abandoned, Kept, Keyed, KeyInUseError, OvertakenError
from duro.kit.intake import Intake, Reader
from duro.kit.json import dumps
from duro.kit.modes import Mode
from duro.kit.pagination import Page
from duro.kit.permissions import demand_permission
from duro.kit.registry import Operation, Reply

_BOTH: Final = frozenset(Mode)
_ASKERS: Final = frozenset({"call", "visit"})
# A twin can finish between our look at the key and our claim of it: then its answer is kept and the second look finds
# it. A third is never needed, because kept keys are not removed while a request runs.
_LOOKS: Final = 2

Render: TypeAlias = Callable[[DuroError, str], bytes]


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body, and whether they were kept from an earlier request."""

    status: int
    body: bytes
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class Ports:
    """What answering needs from outside."""

    db: Database
    render: Render
    gate: Gate


class Edge:
    """Answers the requests of one operation."""

    def __init__(self, operation: Operation, ports: Ports) -> None:
        self.operation = operation
        self._ports = ports
        self._reader = Reader(operation)
        self._modes = operation.options.get("modes", _BOTH)
        self._permission = operation.options.get("permission")
        self._is_timeless = operation.options.get("timeless", False)
        self._known_keys = Gathered(self._look_for_keys)

    async def answer(self, request: web.Request, *, request_id: str, wall: datetime) -> Answer:
        if self.operation.is_public:
            return await self._answer_visit(request, request_id=request_id, wall=wall)
        credential = await self._ports.gate.admit(request, self.operation.limit)
        structlog.contextvars.bind_contextvars(
            tenant_id=credential.tenant.id, mode=credential.mode.value
        )
        self._admit(credential)
        intake = await self._reader.read(request)
        call = Call(credential, request_id, wall, self._ports.db, status=self.operation.status)
        if self.operation.takes_key:
            call.keyed = _keyed(request, intake, credential.kind)
        elif idempotency.HEADER in request.headers and self.operation.is_mutation:
            raise BadRequestError(f"{idempotency.HEADER} counts with a key only; leave it out.")
        if call.keyed is None:
            return Answer(self.operation.status, await self._do(call, intake))
        return await self._once(call, call.keyed, intake)

    async def _answer_visit(
        self, request: web.Request, *, request_id: str, wall: datetime
    ) -> Answer:
        await self._ports.gate.admit_visitor(request, self.operation.limit)
        intake = await self._reader.read(request)
        authorization = request.headers.get(hdrs.AUTHORIZATION)
        visit = Visit(request_id, wall, self._ports.db, authorization)
        return Answer(self.operation.status, self._body(await self._handle(visit, intake)))

    def _admit(self, credential: Credential) -> None:
        if credential.kind not in self.operation.admits:
            raise ForbiddenError(f"A {credential.kind.value} key may not do this.")
        if self._permission is not None:
            demand_permission(credential.permissions, self._permission)
        if credential.mode not in self._modes:
            raise NotFoundError("There is nothing here in this mode.")

    async def _do(self, call: Call, intake: Intake) -> bytes:
        if self.operation.owns_transactions:
            return self._body(await self._handle(call, intake))
        if not self.operation.is_mutation:
            read = self._ports.db.read(call.mode, call.tenant.id, timeless=self._is_timeless)
            async with read as call.edge_tx:
                return self._body(await self._handle(call, intake))
        async with call.begin() as call.edge_tx:
            return self._body(await self._handle(call, intake))

    async def _handle(self, asker: Call | Visit, intake: Intake) -> Reply:
        values = intake.values
        arguments = (
            asker if name in _ASKERS else values[name] for name in self.operation.arguments
        )
        return await self.operation.handler(*arguments)

    async def _once(self, call: Call, keyed: Keyed, intake: Intake) -> Answer:
        attempt = self._in_parts if self.operation.owns_transactions else self._in_one
        for _ in range(_LOOKS):
            try:
                return await attempt(call, keyed, intake)
            except OvertakenError:
                continue
        raise KeyInUseError

    async def _in_one(self, call: Call, keyed: Keyed, intake: Intake) -> Answer:
        """The work and its answer in one transaction."""
        try:
            async with call.begin() as tx:
                call.edge_tx = tx
                kept = await idempotency.find_or_lock(tx, keyed)
                if kept is not None:
                    return Answer(kept.status, kept.body, is_replay=True)
                done = Kept(self.operation.status, self._body(await self._handle(call, intake)))
                if not await idempotency.keep(tx, keyed, done):
                    raise OvertakenError
                return Answer(done.status, done.body)
        except (NotFoundError, ConflictError) as refusal:
            return await self._keep_refusal(call, keyed, refusal)

    async def _in_parts(self, call: Call, keyed: Keyed, intake: Intake) -> Answer:
        """The work in the operation's own transactions, its answer in one more if it kept none itself."""
        call.lease = None
        found = await self._find(call, keyed)
        if isinstance(found, Kept):
            return Answer(found.status, found.body, is_replay=True)
        try:
            reply = await self._work(call, intake, found)
        except (NotFoundError, ConflictError) as refusal:
            return await self._keep_refusal(call, keyed, refusal)
        except OvertakenError:
            # The key is the twin's.
            raise
        except Exception:
            await self._release(call, keyed)
            raise
        if call.kept is not None:
            return Answer(call.kept.status, call.kept.body)
        done = Kept(self.operation.status, self._body(reply))
        async with call.begin() as tx:
            await idempotency.keep(tx, keyed, done, lease=call.lease)
        return Answer(done.status, done.body)

    async def _find(self, call: Call, keyed: Keyed) -> Kept | Abandoned | None:
        if not await self._known_keys((call.mode, call.tenant.id), keyed.key):
            return None
        async with call.begin() as tx:
            return await idempotency.find_or_take_over(tx, keyed)

    async def _look_for_keys(self, of: tuple[Mode, str], keys: Sequence[str]) -> Sequence[bool]:
        return await idempotency.which_are_known(partial(self._ports.db.look, *of), keys)

    async def _work(self, call: Call, intake: Intake, found: Abandoned | None) -> Reply:
        if found is None:
            return await self._handle(call, intake)
        call.lease = found.lease
        return await self.operation.options["resume"](call, found.resource_id)

    async def _keep_refusal(self, call: Call, keyed: Keyed, refusal: DuroError) -> Answer:
        if isinstance(refusal, KeyInUseError):
            raise refusal
        answer = Kept(refusal.status, self._ports.render(refusal, call.request_id))
        async with call.begin() as tx:
            if not await idempotency.keep(tx, keyed, answer, lease=call.lease):
                raise OvertakenError
        return Answer(answer.status, answer.body)

    async def _release(self, call: Call, keyed: Keyed) -> None:
        if call.lease is None:
            return
        try:
            async with call.begin() as tx:
                await idempotency.release(tx, keyed, call.lease)
        except UnavailableError:
            # The lease runs out by itself.
            return

    def _body(self, reply: Reply) -> bytes:
        if isinstance(reply, Page):
            items = [item.model_dump() for item in reply.items]
            return dumps(
                {"items": items, "nextCursor": reply.next_cursor, "hasMore": reply.has_more}
            )
        return dumps(reply.model_dump())


def _keyed(request: web.Request, intake: Intake, kind: CredentialKind) -> Keyed | None:
    given = request.headers.getall(idempotency.HEADER, [])
    if not given:
        return None
    asked = (
        request.method.encode(),
        request.rel_url.raw_path.encode(),
        request.rel_url.raw_query_string.encode(),
        intake.raw,
    )
    keyed = idempotency.read_key(given, asked)
    if keyed is None or kind is CredentialKind.SECRET:
        return keyed
    # Everybody can read a publishable key: it must neither be told what the merchant's own keys got, nor take them
    # away. No caller's key holds a space.
    return replace(keyed, key=f"{kind.value} {keyed.key}")
