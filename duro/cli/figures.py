"""The figures of recovery strategies as a table and as bars of plain text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from duro.billing.money import format_minor
from duro.billing.simulation import Report, Tally

_WIDTH: Final = 40
_DAY_S: Final = 86_400
_PER: Final = 100_000


def figures(report: Report, currency: str) -> dict[str, object]:
    """One strategy as a row for people."""
    total = report.total
    return {
        "strategy": report.name,
        "cases": total.cases,
        "recovered": format_minor(total.recovered_minor, currency),
        "ofMoney": _percent(total.recovered_minor, total.amount_minor),
        "ofCases": _percent(total.recovered, total.cases),
        "lost": format_minor(total.lost_minor, currency),
        "unknown": total.unknown,
        "attempts": total.attempts,
        "contacts": total.contacts,
        "contactsPerThousand": f"{_quotient(total.contacts * _PER, total.recovered_minor):.2f}",
        "daysToRecover": f"{_quotient(total.waited_s, total.recovered * _DAY_S):.1f}",
    }


def bars(reports: Sequence[Report], *, monthly: Sequence[Report] = ()) -> Iterator[str]:
    """How much of the money came back, and of some of them by month: a full bar is all of it."""
    names = max(len(report.name) for report in (*reports, *monthly))
    for report in reports:
        yield _bar(report.name.ljust(names), report.total)
    for month in sorted({month for report in monthly for month in report.by_month}):
        yield ""
        yield month
        for report in monthly:
            yield _bar(report.name.ljust(names), report.by_month.get(month, Tally()))


def _bar(label: str, tally: Tally) -> str:
    """Recovered, unknown and lost, in characters that every terminal has."""
    recovered = _share(tally.recovered_minor, tally.amount_minor)
    unknown = _share(tally.recovered_minor + tally.unknown_minor, tally.amount_minor) - recovered
    left = _WIDTH - recovered - unknown
    percent = _percent(tally.recovered_minor, tally.amount_minor)
    return f"{label}  {'#' * recovered}{'?' * unknown}{'.' * left}  {percent}"


def ratios(learnt: Tally, fixed: Tally) -> Mapping[str, float]:
    """How one strategy stands to another: in money recovered and in attempts made."""
    return {
        "recovered": _quotient(learnt.recovered_minor, fixed.recovered_minor),
        "attempts": _quotient(learnt.attempts, fixed.attempts),
    }


def _share(part: int, whole: int) -> int:
    return part * _WIDTH // whole if whole else 0


def _percent(part: int, whole: int) -> str:
    return f"{100 * _quotient(part, whole):.1f} %"


def _quotient(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
