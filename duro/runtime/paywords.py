"""The words of the pay page in each of its languages, and how they write dates and times."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from duro.kit.share import share

# ISO 639 codes; pcm is Nigerian Pidgin.
ENGLISH: Final = "en"
LANGUAGES: Final = (ENGLISH, "pcm")


@dataclass(frozen=True, slots=True)
class Words:
    """One language."""

    code: str
    texts: Mapping[str, Any]

    def say(self, key: str, **values: str) -> str:
        text: str = self.texts[key]
        return text.format(**values)

    def date(self, at: datetime, zone: ZoneInfo) -> str:
        """Such as "28 Jan 2026", in `zone`."""
        return self.say("date", **self._parts(at, zone))

    def moment(self, at: datetime, zone: ZoneInfo) -> str:
        """Such as "Wed 28 Jan 2026 at 10:00, Lagos time"."""
        place = zone.key.rpartition("/")[2].replace("_", " ")
        return self.say("moment", place=place, **self._parts(at, zone))

    def _parts(self, at: datetime, zone: ZoneInfo) -> dict[str, str]:
        local = at.astimezone(zone)
        return {
            "weekday": self.texts["weekdays"][local.weekday()],
            "day": str(local.day),
            "month": self.texts["months"][local.month - 1],
            "year": str(local.year),
            "time": f"{local.hour:02d}:{local.minute:02d}",
        }


@cache
def words_in(code: str) -> Words:
    path = share("templates") / "pay" / f"{code}.toml"
    return Words(code, tomllib.loads(path.read_text(encoding="utf-8")))
