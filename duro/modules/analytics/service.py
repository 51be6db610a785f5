"""Which period is meant, and the numbers of it put together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from duro.kit.schema import refuse
from duro.modules.analytics.model import (
    Cohort,
    Dimension,
    Ledger,
    Revenue,
    SettingsChange,
    Span,
    Tally,
    Times,
    Tries,
)
from duro.modules.analytics.schemas import (
    AccountsItem,
    ChurnedOut,
    ChurnOut,
    CurrencyOverview,
    DecidedOut,
    FailuresOut,
    LedgerItem,
    MovementsOut,
    PeriodQuery,
    ReasonsOut,
    RecoveryOut,
    SettingsChangeOut,
    TallyOut,
    TimeToRecoverOut,
    TriesOut,
)
from duro.modules.ledger.model import Balances

_LONGEST: Final = timedelta(days=400)
_INSTANT: Final = timedelta(microseconds=1)


def span_of(query: PeriodQuery, *, zone: ZoneInfo, now: datetime) -> Span:
    """The period that `query` asks for; raises `InvalidError` for one that is empty or too long."""
    begin = _instant(query.from_, zone)
    end = _instant(query.to, zone)
    if begin is None:
        begin = _month(now if end is None else end - _INSTANT, zone, ahead=0)
    if end is None:
        end = _month(max(begin, now), zone, ahead=1)
    if end <= begin:
        raise refuse("to", "Must be after `from`.")
    if end - begin > _LONGEST:
        raise refuse("to", f"Must be at most {_LONGEST.days} days after `from`.")
    return Span(begin, end)


def currencies(own: str, *found: Iterable[str]) -> list[str]:
    """The tenant's own currency first, then the others that have numbers."""
    others = {name for names in found for name in names} - {own}
    return [own, *sorted(others)]


def overview(revenue: Revenue, ledger: Ledger, cohort: Cohort) -> CurrencyOverview:
    return CurrencyOverview.model_construct(
        currency=revenue.currency,
        mrr=revenue.closing_minor,
        mrr_opening=revenue.opening_minor,
        movements=MovementsOut.model_construct(
            new=revenue.new_minor,
            reactivation=revenue.reactivation_minor,
            expansion=revenue.expansion_minor,
            contraction=revenue.contraction_minor,
            churn=revenue.churn_minor,
        ),
        active=revenue.active,
        churn=ChurnOut.model_construct(
            voluntary=ChurnedOut.model_construct(
                subscriptions=revenue.voluntary, amount=revenue.voluntary_minor
            ),
            involuntary=ChurnedOut.model_construct(
                subscriptions=revenue.involuntary, amount=revenue.involuntary_minor
            ),
        ),
        churn_rate=revenue.churn_rate,
        at_risk=ledger.closing_minor,
        recovered=ledger.total("recovered"),
        recovery_rate=cohort.recovery_rate,
    )


def failures(cohort: Cohort, span: Span) -> FailuresOut:
    return FailuresOut.model_construct(
        in_flight=cohort.in_flight.amount_minor,
        recovered=cohort.recovered.amount_minor,
        exhausted=cohort.exhausted.amount_minor,
        recovery_rate=cohort.recovery_rate,
        by_failure_code={name: of.all.count for name, of in cohort.by_code().items()},
        by_category={name: of.all.count for name, of in cohort.by_category().items()},
        currency=cohort.currency,
        from_=span.starts_at,
        to=span.ends_at,
    )


def ledger_item(ledger: Ledger, span: Span) -> LedgerItem:
    return LedgerItem.model_construct(
        currency=ledger.currency,
        from_=span.starts_at,
        to=span.ends_at,
        opening=ledger.opening_minor,
        entered=ledger.total("entered"),
        recovered=ledger.total("recovered"),
        lost=ledger.total("lost"),
        cancelled=ledger.total("cancelled"),
        closing=ledger.closing_minor,
        by_reason=ReasonsOut.model_construct(None, **ledger.by_reason),
    )


@dataclass(frozen=True, slots=True)
class Recovery:
    """What is known of one cohort."""

    cohort: Cohort
    times: Times
    tries: Sequence[Tries]
    changes: Sequence[SettingsChange]


def recovery(found: Recovery, span: Span) -> RecoveryOut:
    cohort, tries = found.cohort, found.tries
    return RecoveryOut.model_construct(
        currency=cohort.currency,
        from_=span.starts_at,
        to=span.ends_at,
        all=_tally(cohort.all),
        in_flight=_tally(cohort.in_flight),
        recovered=_tally(cohort.recovered),
        exhausted=_tally(cohort.exhausted),
        canceled=_tally(cohort.canceled),
        recovery_rate=cohort.recovery_rate,
        case_rate=cohort.case_rate,
        time_to_recover=TimeToRecoverOut.model_construct(
            median_seconds=found.times.median_s, p90_seconds=found.times.p90_s
        ),
        by_failure_code=_decided(cohort.by_code()),
        by_category=_decided(cohort.by_category()),
        by_rail=_tried(tries, Dimension.RAIL),
        by_attempt=_tried(tries, Dimension.NUMBER),
        by_weekday=_tried(tries, Dimension.WEEKDAY),
        by_day_of_month=_tried(tries, Dimension.DAY),
        settings_changes=[
            SettingsChangeOut.model_construct(version=each.version, changed_at=each.changed_at)
            for each in found.changes
        ],
    )


def accounts_item(found: Balances) -> AccountsItem:
    return AccountsItem.model_construct(None, **asdict(found))


def _decided(cohorts: Mapping[str, Cohort]) -> list[DecidedOut]:
    return [
        DecidedOut.model_construct(
            key=key,
            all=_tally(cohort.all),
            recovered=_tally(cohort.recovered),
            exhausted=_tally(cohort.exhausted),
            recovery_rate=cohort.recovery_rate,
            case_rate=cohort.case_rate,
        )
        for key, cohort in cohorts.items()
    ]


def _tried(tries: Iterable[Tries], dimension: Dimension) -> list[TriesOut]:
    return [
        TriesOut.model_construct(
            key=each.key,
            tried=_tally(each.tried),
            succeeded=_tally(each.succeeded),
            success_rate=each.success_rate,
            try_rate=each.try_rate,
        )
        for each in tries
        if each.dimension is dimension
    ]


def _tally(tally: Tally) -> TallyOut:
    return TallyOut.model_construct(count=tally.count, amount=tally.amount_minor)


def _instant(moment: date | datetime | None, zone: ZoneInfo) -> datetime | None:
    if moment is None or isinstance(moment, datetime):
        return moment
    return datetime.combine(moment, time(), tzinfo=zone).astimezone(UTC)


def _month(at: datetime, zone: ZoneInfo, *, ahead: int) -> datetime:
    """The first moment of the local month of `at`, or of a later one."""
    local = at.astimezone(zone)
    years, month0 = divmod(local.month - 1 + ahead, 12)
    first = date(local.year + years, month0 + 1, 1)
    return datetime.combine(first, time(), tzinfo=zone).astimezone(UTC)
