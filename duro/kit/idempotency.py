"""Same key, same answer: idempotency keys kept in PostgreSQL and committed with the change they guard.

An operation of one transaction keeps its answer in that transaction. One that cuts its work into several (because it
calls a gateway between them) claims its key in the first, with a lease; whoever finds the lease dead resumes the work.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from duro.errors import ConflictError, Detail, InvalidError
from duro.kit.db import Row, Tx
from duro.kit.schema import refuse
from duro.kit.sql import queries

HEADER: Final = "Idempotency-Key"
REPLAYED_HEADER: Final = "Idempotent-Replayed"
# Longer than any gateway call; only a process that died lets it run out.
LEASE: Final = timedelta(seconds=60)
_KEY: Final = re.compile(r"[!-~]{1,255}")
_SQL: Final = queries("idempotency")


class KeyInUseError(ConflictError):
    """The first request with this key is still running; its answer is not this one."""

    def __init__(self) -> None:
        super().__init__("A request with this Idempotency-Key is still running.")


class OvertakenError(Exception):
    """A twin finished first: what this one did is rolled back and the twin's answer is given."""


# One statement that reads what is committed at this moment.
Look: TypeAlias = Callable[..., Awaitable[list[Row]]]

_TAKEN: Final = {"idempotency_keys_pkey": OvertakenError}


@dataclass(frozen=True, slots=True)
class Keyed:
    """A request that carries an idempotency key; `digest` is SHA-256 over what it asks for."""

    key: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """The first answer."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """What ties a key to the resource that its request begins; no key, nothing to tie."""

    keyed: Keyed | None
    resource_id: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The first answer to a request whose key is claimed until `lease`."""

    keyed: Keyed
    kept: Kept
    lease: datetime


@dataclass(frozen=True, slots=True)
class Abandoned:
    """Work on `resource_id` that a dead process began; `lease` is now ours."""

    resource_id: str
    lease: datetime


def read_key(given: Sequence[str], asked: Iterable[bytes]) -> Keyed | None:
    """The key in the header's values, if any, for a request made of the parts `asked`."""
    if not given:
        return None
    if len(given) > 1 or not _KEY.fullmatch(given[0]):
        raise refuse(HEADER, "Must be given once, with 1 to 255 visible ASCII characters.")
    digest = hashlib.sha256()
    for part in asked:
        # The length keeps the end of one part from being the beginning of the next.
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return Keyed(given[0], digest.digest())


async def which_are_known(look: Look, keys: Sequence[str]) -> Sequence[bool]:
    """For each key whether anything was begun with it; takes no transaction, because nearly every key is new."""
    known = {row["key"] for row in await look(_SQL["which_keys_are_known"], list(keys))}
    return [key in known for key in keys]


async def find_or_lock(tx: Tx, keyed: Keyed) -> Kept | None:
    """The answer kept for this key; None when `tx` now holds the key and is to do the work."""
    found = await tx.row(_SQL["try_key"], keyed.key)
    if found is None or found["digest"] is None:
        if found is None or not found["is_ours"]:
            raise KeyInUseError
        return None
    return _same(keyed, found)


async def find_or_take_over(tx: Tx, keyed: Keyed) -> Kept | Abandoned | None:
    """The answer kept for this key, or the work that a dead process left; None when nothing was begun."""
    found = await tx.row(_SQL["find_key"], keyed.key)
    if found is None:
        return None
    if found["status"] is not None or tx.wall < found["locked_until"]:
        return _same(keyed, found)
    _demand_same(keyed, found)
    lease = tx.wall + LEASE
    if not await tx.run(_SQL["take_over_key"], keyed.key, found["locked_until"], lease):
        raise KeyInUseError
    return Abandoned(found["resource_id"], lease)


async def claim(tx: Tx, *claims: Claim) -> datetime:
    """Takes the keys for work on their resources, committed with it; answers the lease.

    A twin that has one of them already is met when this is sent, with an `OvertakenError`.
    """
    lease = tx.wall + LEASE
    keyed = [(one.keyed, one.resource_id) for one in claims if one.keyed is not None]
    if keyed:
        keys = [key.key for key, _ in keyed]
        digests = [key.digest for key, _ in keyed]
        resources = [resource_id for _, resource_id in keyed]
        args = (keys, digests, resources, lease, tx.wall)
        await tx.put(_SQL["claim_keys"], *args, taken=_TAKEN)
    return lease


async def keep_claimed(tx: Tx, answers: Sequence[Answered]) -> None:
    """Keeps answers with the transaction; a key that is no longer ours stays as it is."""
    if answers:
        keys = [one.keyed.key for one in answers]
        leases = [one.lease for one in answers]
        statuses = [one.kept.status for one in answers]
        bodies = [one.kept.body for one in answers]
        await tx.put(_SQL["keep_answers"], keys, leases, statuses, bodies)


async def keep(tx: Tx, keyed: Keyed, answer: Kept, *, lease: datetime | None = None) -> bool:
    """Keeps the answer; False when the key is no longer ours."""
    args = (keyed.key, keyed.digest, answer.status, answer.body, tx.wall, lease)
    return await tx.run(_SQL["keep_answer"], *args) == 1


async def release(tx: Tx, keyed: Keyed, lease: datetime) -> None:
    """Lets the next request with this key resume what this one could not finish."""
    await tx.run(_SQL["release_key"], keyed.key, lease, tx.wall)


def _same(keyed: Keyed, found: Row) -> Kept:
    _demand_same(keyed, found)
    if found["status"] is None:
        raise KeyInUseError
    return Kept(found["status"], found["body"])


def _demand_same(keyed: Keyed, found: Row) -> None:
    if found["digest"] != keyed.digest:
        raise InvalidError(
            "This Idempotency-Key was used for another request.",
            details=[Detail(HEADER, "Was used with another method, path or body.")],
        )
