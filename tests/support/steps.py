"""Owns the steps that a story of the recovery ladder is drawn from."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from duro.billing.cycle import Interval
from duro.billing.rails import Rail


@dataclass(frozen=True)
class Start:
    """A subscription whose customer has so much to pay with; its first period was paid with a good card."""

    method: str | None
    is_reachable: bool
    has_account: bool
    mandate: str | None
    interval: Interval


@dataclass(frozen=True)
class Use:
    which: int
    method: str


@dataclass(frozen=True)
class Pay:
    """Money that comes for one of the requests there ever were, whatever became of it.

    The gateway tells of it, or not; or in the moment in which the worker works too.
    """

    which: int
    how: str
    told: str


@dataclass(frozen=True)
class PayAccount:
    which: int
    amount_minor: int


@dataclass(frozen=True)
class Resolve:
    """What a merchant makes of money in suspense."""

    which: int
    how: str


@dataclass(frozen=True)
class Ask:
    """A customer has the page of an invoice tell them how to pay it by this rail."""

    which: int
    rail: Rail


@dataclass(frozen=True)
class StepIn:
    """A merchant retries, skips or cancels a case, voids its invoice, or charges it by a method."""

    which: int
    how: str


@dataclass(frozen=True)
class Refund:
    which: int
    amount_minor: int | None


@dataclass(frozen=True)
class Act:
    which: int
    action: str


@dataclass(frozen=True)
class Settle:
    """Other recovery settings from now on."""

    changes: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Wait:
    """Hours to go by, or none: until the next thing is due."""

    hours: int | None


ByHand: TypeAlias = Use | StepIn | Resolve | Refund | Act | Settle
Step: TypeAlias = Start | Pay | PayAccount | Ask | Wait | ByHand
