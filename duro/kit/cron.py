"""Periods as SAQ's cron expressions."""

from typing import Final

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400


def cron_for(every_s: int) -> str:
    """A period that divides the next larger unit evenly; SAQ takes seconds as a sixth field."""
    if every_s < 1 or _DAY_S % every_s:
        raise ValueError(f"a scan cannot run every {every_s} s: a day is no multiple of it")
    if every_s < _MINUTE_S and _MINUTE_S % every_s == 0:
        return f"* * * * * */{every_s}"
    if every_s < _HOUR_S and every_s % _MINUTE_S == 0 and _HOUR_S % every_s == 0:
        return f"*/{every_s // _MINUTE_S} * * * *"
    if every_s % _HOUR_S == 0:
        return f"0 */{every_s // _HOUR_S} * * *" if every_s < _DAY_S else "0 0 * * *"
    raise ValueError(
        f"a scan cannot run every {every_s} s: it divides neither a minute nor an hour"
    )
