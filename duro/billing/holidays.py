"""Owns the public holidays of Nigeria, as far as they can be known before they are declared."""

from datetime import date, timedelta
from types import MappingProxyType
from typing import Final

# Month and day: New Year, Workers' Day, Democracy Day, Independence Day, Christmas, Boxing Day.
_FIXED: Final = ((1, 1), (5, 1), (6, 12), (10, 1), (12, 25), (12, 26))

# Eid al-Fitr, Eid al-Adha and Mawlid by year. The moon decides, and the Ministry of Interior
# declares the days a few days before, so nothing but a declaration is certain.
# Declared by the ministry, as the press reported: 2024 whole (Punch, NTA, Information Nigeria;
# 11 April was added on the eve), 2025 whole (NTA, Punch, New Telegraph), Eid al-Fitr of 2026.
# All later ones are expected: the civil (tabular) Islamic calendar, which agreed with the feasts of
# 2024 and 2025, moved off the weekend as the ministry did then. They may be off by a day or two.
_ISLAMIC: Final = MappingProxyType(
    {
        2024: ((4, 9), (4, 10), (4, 11), (6, 17), (6, 18), (9, 16)),
        2025: ((3, 31), (4, 1), (6, 6), (6, 9), (9, 5)),
        2026: ((3, 19), (3, 20), (5, 27), (5, 28), (8, 26)),
        2027: ((3, 10), (3, 11), (5, 17), (5, 18), (8, 16)),
        2028: ((2, 28), (2, 29), (5, 5), (5, 8), (8, 3)),
    }
)


def public_holidays(year: int) -> frozenset[date]:
    """The public holidays of a year; Islamic feasts only from 2024 to 2028.

    The Mondays that are declared when a fixed day falls on a weekend are not in it.
    """
    sunday = easter(year)
    moving = {sunday - timedelta(days=2), sunday + timedelta(days=1)}
    days = (*_FIXED, *_ISLAMIC.get(year, ()))
    return frozenset(moving | {date(year, month, day) for month, day in days})


def holidays_between(first: date, last: date) -> tuple[date, ...]:
    """In order, both ends included."""
    found = {day for year in range(first.year, last.year + 1) for day in public_holidays(year)}
    return tuple(sorted(day for day in found if first <= day <= last))


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar, by the anonymous computus of 1876."""
    golden = year % 19
    century, rest = divmod(year, 100)
    leap_centuries, century_rest = divmod(century, 4)
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap_centuries - correction + 15) % 30
    leaps, leap_rest = divmod(rest, 4)
    to_sunday = (32 + 2 * century_rest + 2 * leaps - epact - leap_rest) % 7
    late = (golden + 11 * epact + 22 * to_sunday) // 451
    month, day0 = divmod(epact + to_sunday - 7 * late + 114, 31)
    return date(year, month, day0 + 1)
