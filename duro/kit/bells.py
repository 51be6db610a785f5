"""Doorbells for the worker: what a commit rings, so that its work is looked for at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from duro.kit.modes import Mode


@dataclass(frozen=True, slots=True)
class Bell:
    """A doorbell for the worker: there may be work of this kind. Losing it loses nothing."""

    work: str
    mode: Mode
    tenant_id: str

    @property
    def queue(self) -> str:
        return self.work.partition(".")[0]


class Doorbell(Protocol):
    """Rings after a commit; never raises."""

    async def ring(self, bells: Sequence[Bell]) -> None: ...


class Silent:
    """No doorbell: the scans find the work."""

    async def ring(self, bells: Sequence[Bell]) -> None:
        """Do nothing."""
