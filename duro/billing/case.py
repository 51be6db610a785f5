"""Owns what a recovery decision is made from, and its form in the decision log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from duro.billing import logged
from duro.billing.failures import Category
from duro.billing.logged import Json
from duro.billing.pattern import PaydayPattern
from duro.billing.payday import PAYDAY_ANCHOR_DAY
from duro.billing.rails import ORDER, Rail

# Forty-five days: a plan may outlast one whole cycle of paydays, not more.
MAX_OFFSET_HOURS: Final = 45 * 24
MAX_ESCALATION_DAYS: Final = 90
_LAST_DAY: Final = 31


class Escalation(StrEnum):
    """What becomes of a subscription when its recovery has come to nothing."""

    CANCEL = "cancel"
    MARK_UNPAID = "mark_unpaid"
    KEEP_PAST_DUE = "keep_past_due"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The tenant's recovery settings, frozen on the schedule when it opens.

    `offsets_hours` count from the first failure; entry 0 is the renewal itself, so `max_attempts`
    needs as many entries. Without `auto_recovery` nothing is charged that nobody asked for.
    `escalation_days` count from the first failure; `None` escalates when the tries are used up.
    A quiet case tells its customer nothing.
    With `learn_payday` a customer whose own payday is known is waited for until then.
    """

    payday_aware: bool = True
    payday_anchor_day: int = PAYDAY_ANCHOR_DAY
    offsets_hours: tuple[int, ...] = (0, 24, 72, 120, 168)
    max_attempts: int = 5
    rails: tuple[Rail, ...] = ORDER
    auto_recovery: bool = True
    is_quiet: bool = False
    escalation: Escalation = Escalation.MARK_UNPAID
    escalation_days: int | None = None
    learn_payday: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.payday_anchor_day <= _LAST_DAY:
            raise ValueError("payday_anchor_day must be 1 to 31")
        offsets = self.offsets_hours
        if not offsets or offsets[0] != 0 or offsets[-1] > MAX_OFFSET_HOURS:
            raise ValueError(f"offsets_hours must start at 0 and end by {MAX_OFFSET_HOURS}")
        if any(later <= earlier for earlier, later in pairwise(offsets)):
            raise ValueError("offsets_hours must rise")
        if not 1 <= self.max_attempts <= len(offsets):
            raise ValueError("max_attempts must be 1 to the number of offsets_hours")
        if len(set(self.rails)) != len(self.rails) or not set(self.rails) <= set(ORDER):
            raise ValueError("rails must be distinct and none of them the wallet")
        days = self.escalation_days
        if days is not None and not 1 <= days <= MAX_ESCALATION_DAYS:
            raise ValueError(f"escalation_days must be 1 to {MAX_ESCALATION_DAYS}")

    def to_dict(self) -> dict[str, Json]:
        return {
            "payday_aware": self.payday_aware,
            "payday_anchor_day": self.payday_anchor_day,
            "offsets_hours": list(self.offsets_hours),
            "max_attempts": self.max_attempts,
            "rails": [rail.value for rail in self.rails],
            "auto_recovery": self.auto_recovery,
            "is_quiet": self.is_quiet,
            "escalation": self.escalation.value,
            "escalation_days": self.escalation_days,
            "learn_payday": self.learn_payday,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Json]) -> "Settings":
        return cls(
            payday_aware=logged.flag(data["payday_aware"]),
            payday_anchor_day=logged.number(data["payday_anchor_day"]),
            offsets_hours=tuple(
                logged.number(hours) for hours in logged.items(data["offsets_hours"])
            ),
            max_attempts=logged.number(data["max_attempts"]),
            rails=logged.rails(data["rails"]),
            # A case that was opened before these could be chosen lives by their defaults.
            auto_recovery=logged.flag(data.get("auto_recovery", True)),
            is_quiet=logged.flag(data.get("is_quiet", False)),
            escalation=Escalation(
                logged.text(data.get("escalation", Escalation.MARK_UNPAID.value))
            ),
            escalation_days=logged.number_or_none(data.get("escalation_days")),
            learn_payday=logged.flag(data.get("learn_payday", False)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything a decision depends on, right after a failed attempt.

    `rail` is what the attempt used, `None` when there was nothing to charge.
    `attempts_made` counts this attempt and the renewal, `attempts_skipped` the tries that somebody
    called off; `same_category_failures` counts the failures of this category on this rail, this
    one included.
    `last_pull_at` is the latest charge without the customer in this case, on whatever token.
    `usable_rails` are those the customer has, the present one included while its token exists.
    `spent_rails` must not be chosen again: the token was hard-declined or needs replacing, or the
    rail had its turn.
    `pulled_rails` are the pull rails already charged in this case, besides the present one.
    `capped_until` is when our own caps let a rail's token be charged again, where they forbid it now.
    `mandate_ready_at`: before it a bank answers "do not honour" to a mandate that is merely new.
    `funds_short_at` is when a try of this case last failed for want of money.
    `payday` is this customer's own, as far as it could be learnt; `holidays` move it.
    """

    now: datetime
    zone: ZoneInfo
    settings: Settings
    rail: Rail | None
    code: str
    category: Category
    attempts_made: int
    first_failed_at: datetime
    last_pull_at: datetime | None = None
    same_category_failures: int = 1
    usable_rails: tuple[Rail, ...] = ()
    spent_rails: frozenset[Rail] = frozenset()
    pulled_rails: frozenset[Rail] = frozenset()
    attempts_skipped: int = 0
    capped_until: Mapping[Rail, datetime] = field(default_factory=dict[Rail, datetime])
    mandate_ready_at: datetime | None = None
    funds_short_at: datetime | None = None
    payday: PaydayPattern | None = None
    holidays: tuple[date, ...] = ()

    def __post_init__(self) -> None:
        instants = (self.now, self.first_failed_at, self.last_pull_at, self.mandate_ready_at)
        for instant in (*instants, self.funds_short_at, *self.capped_until.values()):
            if instant is not None and instant.tzinfo is None:
                raise ValueError("a decision needs aware instants")
        counts = (self.attempts_made, self.attempts_skipped, self.same_category_failures)
        if any(count < 0 for count in counts):
            raise ValueError("attempts are counted from 0")

    @property
    def attempts_used(self) -> int:
        """Tries that are gone, made or skipped."""
        return self.attempts_made + self.attempts_skipped

    def to_dict(self) -> dict[str, Json]:
        """Plain values; `from_dict` gives an equal context back, so a decision can be replayed."""
        return {
            "now": logged.instant_text(self.now),
            "zone": self.zone.key,
            "settings": self.settings.to_dict(),
            "rail": None if self.rail is None else self.rail.value,
            "code": self.code,
            "category": self.category.value,
            "attempts_made": self.attempts_made,
            "first_failed_at": logged.instant_text(self.first_failed_at),
            "last_pull_at": logged.instant_text_or_none(self.last_pull_at),
            "same_category_failures": self.same_category_failures,
            "usable_rails": [rail.value for rail in self.usable_rails],
            "spent_rails": sorted(rail.value for rail in self.spent_rails),
            "pulled_rails": sorted(rail.value for rail in self.pulled_rails),
            "attempts_skipped": self.attempts_skipped,
            "capped_until": {
                rail.value: logged.instant_text(at) for rail, at in self.capped_until.items()
            },
            "mandate_ready_at": logged.instant_text_or_none(self.mandate_ready_at),
            "funds_short_at": logged.instant_text_or_none(self.funds_short_at),
            "payday": None if self.payday is None else self.payday.to_dict(),
            "holidays": [day.isoformat() for day in self.holidays],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Json]) -> "Context":
        rail, payday = data["rail"], data.get("payday")
        return cls(
            now=logged.instant(data["now"]),
            zone=ZoneInfo(logged.text(data["zone"])),
            settings=Settings.from_dict(logged.mapping(data["settings"])),
            rail=None if rail is None else Rail(logged.text(rail)),
            code=logged.text(data["code"]),
            category=Category(logged.text(data["category"])),
            attempts_made=logged.number(data["attempts_made"]),
            first_failed_at=logged.instant(data["first_failed_at"]),
            last_pull_at=logged.instant_or_none(data["last_pull_at"]),
            same_category_failures=logged.number(data["same_category_failures"]),
            usable_rails=logged.rails(data["usable_rails"]),
            spent_rails=frozenset(logged.rails(data["spent_rails"])),
            pulled_rails=frozenset(logged.rails(data["pulled_rails"])),
            attempts_skipped=logged.number(data.get("attempts_skipped", 0)),
            # A decision that was logged before these were looked at was made without them.
            capped_until={
                Rail(name): logged.instant(at)
                for name, at in logged.mapping(data.get("capped_until", {})).items()
            },
            mandate_ready_at=logged.instant_or_none(data.get("mandate_ready_at")),
            funds_short_at=logged.instant_or_none(data.get("funds_short_at")),
            payday=None if payday is None else PaydayPattern.from_dict(logged.mapping(payday)),
            holidays=logged.dates(data.get("holidays", [])),
        )
