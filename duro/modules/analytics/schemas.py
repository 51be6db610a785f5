"""Numbers as they are asked for and shown."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Final, TypeAlias

from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from duro.kit.schema import Out, Query
from duro.modules.catalog.schemas import Currency

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INSTANT: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)
# Business that the calendar arithmetic of every zone can hold.
_YEARS: Final = range(1970, 8000)


def _to_moment(value: object) -> date | datetime:
    found: date | datetime | None = None
    try:
        if isinstance(value, str) and _DATE.fullmatch(value):
            found = date.fromisoformat(value)
        elif isinstance(value, str) and _INSTANT.fullmatch(value):
            found = datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        # The form is right and the date is not, such as 30 February: refused below.
        pass
    if found is None or found.year not in _YEARS:
        raise PydanticCustomError(
            "moment", "Must be a date such as 2026-01-28 or an RFC 3339 instant"
        )
    return found


# A day of the tenant's calendar means its first moment.
Moment: TypeAlias = Annotated[
    date | datetime,
    PlainValidator(_to_moment),
    WithJsonSchema(
        {
            "type": "string",
            "anyOf": [{"format": "date"}, {"format": "date-time"}],
            "examples": ["2026-01-01"],
        }
    ),
]


class PeriodQuery(Query):
    """Which period; at most 400 days. Without either end it is this month in the merchant's zone."""

    from_: Annotated[
        Moment | None, Field(alias="from", description="A local date or an instant; inclusive.")
    ] = None
    to: Annotated[Moment | None, Field(description="A local date or an instant; exclusive.")] = None


class FailuresQuery(PeriodQuery):
    """One currency at a time; the merchant's own unless another is named."""

    currency: Currency | None = None


class MovementsOut(Out):
    """How monthly revenue moved, in minor units: the first three added, the last two taken away."""

    new: int
    reactivation: int
    expansion: int
    contraction: int
    churn: int


class ChurnedOut(Out):
    """Subscriptions that stopped earning, and what they had earned in a month."""

    subscriptions: int
    amount: int


class ChurnOut(Out):
    """Involuntary is churn because a payment could not be recovered; the rest is voluntary."""

    voluntary: ChurnedOut
    involuntary: ChurnedOut


class CurrencyOverview(Out):
    """One currency; nothing is converted."""

    currency: str
    mrr: int
    mrr_opening: int
    movements: MovementsOut
    active: int
    churn: ChurnOut
    churn_rate: float
    at_risk: int
    recovered: int
    recovery_rate: float


class OverviewOut(Out):
    """What a merchant earns in a month, what it lost and what it got back."""

    from_: Annotated[datetime, Field(alias="from")]
    to: datetime
    items: list[CurrencyOverview]


class FailuresOut(Out):
    """The failed renewals billed in a period, as they stand now; amounts in minor units, the rest counts cases."""

    in_flight: int
    recovered: int
    exhausted: int
    recovery_rate: float
    by_failure_code: dict[str, int]
    by_category: dict[str, int]
    currency: str
    from_: Annotated[datetime, Field(alias="from")]
    to: datetime


class ReasonsOut(Out):
    """Each movement by its reason, in minor units."""

    entered: dict[str, int]
    recovered: dict[str, int]
    lost: dict[str, int]
    cancelled: dict[str, int]


class LedgerItem(Out):
    """Money at risk in one currency: opening and entered, less recovered, lost and cancelled, is closing."""

    currency: str
    from_: Annotated[datetime, Field(alias="from")]
    to: datetime
    opening: int
    entered: int
    recovered: int
    lost: int
    cancelled: int
    closing: int
    by_reason: ReasonsOut


class LedgerOut(Out):
    """The recovery ledger of a period, an entry for each currency."""

    items: list[LedgerItem]


class TallyOut(Out):
    """How many, and how much in minor units."""

    count: int
    amount: int


class DecidedOut(Out):
    """Cases by how they came to be at risk: all of them, and what became of those that are decided."""

    key: str
    all: TallyOut
    recovered: TallyOut
    exhausted: TallyOut
    recovery_rate: Annotated[float, Field(description="Of the money that is decided.")]
    case_rate: Annotated[float, Field(description="Of the cases that are decided.")]


class TriesOut(Out):
    """Charges and requests after the first failure: all that were settled, and those that brought the money."""

    key: str
    tried: TallyOut
    succeeded: TallyOut
    success_rate: Annotated[float, Field(description="Of the money that was tried for.")]
    try_rate: Annotated[float, Field(description="Of the tries.")]


class TimeToRecoverOut(Out):
    """From the first failure to the recovery; null without a recovery."""

    median_seconds: int | None
    p90_seconds: int | None


class SettingsChangeOut(Out):
    """A mark: other settings were in force from here on."""

    version: int
    changed_at: datetime


class RecoveryOut(Out):
    """The failed renewals billed in a period, as they stand now: how much came back, how soon, and by which try."""

    currency: str
    from_: Annotated[datetime, Field(alias="from")]
    to: datetime
    all: TallyOut
    in_flight: TallyOut
    recovered: TallyOut
    exhausted: TallyOut
    canceled: TallyOut
    recovery_rate: Annotated[float, Field(description="Of the money that is decided.")]
    case_rate: Annotated[float, Field(description="Of the cases that are decided.")]
    time_to_recover: TimeToRecoverOut
    by_failure_code: list[DecidedOut]
    by_category: list[DecidedOut]
    by_rail: list[TriesOut]
    by_attempt: Annotated[list[TriesOut], Field(description="1 is the renewal itself.")]
    by_weekday: Annotated[list[TriesOut], Field(description="1 is Monday, in the merchant's zone.")]
    by_day_of_month: list[TriesOut]
    settings_changes: list[SettingsChangeOut]


class AccountsItem(Out):
    """Debits less credits in one currency, in minor units: together they are 0."""

    currency: str
    gateway_clearing: int
    customer_credit: int
    wallet: int
    merchant_payable: int
    suspense: int


class AccountsOut(Out):
    """The accounts of the merchant, an entry for each currency."""

    items: list[AccountsItem]
