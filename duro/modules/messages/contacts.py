"""The only reader and writer of `contact_caps`: how often one person is reminded, by all merchants together."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from duro.kit.db import Tx
from duro.kit.modes import Mode
from duro.kit.sql import Statement, queries
from duro.kit.work import Ran, WorkScope
from duro.modules.messages.model import REMINDERS_PER_WEEK

_SQL: Final = queries("contact_caps")
LIST_TENANTS_TO_FORGET: Final[Statement] = _SQL["list_tenants_to_forget"]
NEXT_TO_FORGET: Final[Statement] = _SQL["next_to_forget"]
_WEEK: Final = timedelta(days=7)
# 128 bits for a person, of whom there may be billions; 64 for one of seven reminders.
_PERSON_BYTES: Final = 16
_REMINDER_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class People:
    """Knows people by a digest of their address, which without `key` says neither who they are nor who it is not."""

    key: bytes

    def person(self, mode: Mode, tenant_id: str, address: str) -> str:
        """Whoever reads that address: in live mode one person to all merchants, in test mode one to each."""
        whose = tenant_id if mode is Mode.TEST else ""
        return self._digest(f"person {whose} {address.strip().lower()}", _PERSON_BYTES)

    def reminder(self, tenant_id: str, message_id: str) -> str:
        return self._digest(f"reminder {tenant_id} {message_id}", _REMINDER_BYTES)

    def _digest(self, subject: str, size: int) -> str:
        return hmac.digest(self.key, subject.encode(), hashlib.sha256)[:size].hex()


@dataclass(frozen=True, slots=True)
class Reminder:
    """A message that counts, and the person it counts for."""

    message_id: str
    person: str


@dataclass(frozen=True, slots=True)
class ContactRepository:
    """The places in the weeks of people, inside the transaction that takes them.

    Its locks are held until that ends, and it is one statement of a transaction: nobody locks people twice.
    """

    tx: Tx
    people: People

    async def take(self, reminders: Sequence[Reminder]) -> set[str]:
        """The ids of those that may go out now; a place is given in the order of the reminders, and to each once."""
        if not reminders:
            return set()
        ids = {self._known(each): each.message_id for each in reminders}
        rows = await self.tx.rows(
            _SQL["take_places"],
            await self._named(reminders),
            [each.person for each in reminders],
            list(ids),
            self.tx.tenant_id if self.tx.mode is Mode.TEST else None,
            self.tx.now,
            self.tx.wall + _WEEK,
            REMINDERS_PER_WEEK,
        )
        return {ids[known] for row in rows for known in row["taken"]}

    async def give_back(self, reminders: Sequence[Reminder]) -> None:
        """They never went out, so somebody else may have their places."""
        if reminders:
            known = [self._known(each) for each in reminders]
            people = await self._named(reminders)
            await self.tx.run(_SQL["give_places_back"], people, known)

    async def _named(self, reminders: Sequence[Reminder]) -> list[str]:
        people = sorted({each.person for each in reminders})
        await _name(self.tx, people)
        return people

    def _known(self, reminder: Reminder) -> str:
        return self.people.reminder(self.tx.tenant_id, reminder.message_id)


async def forget_people(scope: WorkScope, limit: int) -> Ran:
    """Up to `limit` people whom nobody has reminded for a week, whichever tenant this is done for."""
    wall = scope.db.clock.wall()
    found = await scope.db.scan(scope.mode, _SQL["list_people_to_forget"], wall, limit)
    if not found:
        return Ran(0)
    people = [row["person"] for row in found]
    async with scope.begin() as tx:
        await _name(tx, people)
        forgotten = await tx.run(_SQL["forget_people"], people, wall)
    return Ran(forgotten)


async def _name(tx: Tx, people: Sequence[str]) -> None:
    """Row security shows the transaction their rows, and those of nobody else."""
    await tx.run(_SQL["name_people"], people)
