"""What Duro says itself, for each key in each language, and how a language writes dates."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from duro.kit.share import share

ENGLISH: Final = "en"
# ISO 639 codes; pcm is Nigerian Pidgin.
LANGUAGES: Final = (ENGLISH, "pcm")
KEYS: Final = (
    *("receipt", "renewal_reminder", "trial_ending"),
    *("dunning_1", "dunning_2", "dunning_3", "dunning_4"),
    *("payment_action_required", "payment_recovered", "card_expiring", "subscription_cancelled"),
    *("refund", "welcome", "verify_email", "password_reset", "invitation"),
    *("kyc_submitted", "kyc_approved", "kyc_rejected", "otp", "portal_code"),
    "abandoned_checkout",
)
# To the owner of a tenant, from Duro itself: in English, and in no other words.
TO_OWNERS: Final = frozenset({"endpoint_disabled"})
# What merge tags there are; nothing else is ever replaced.
TAGS: Final = (
    *("store_name", "customer_name", "amount", "plan_name", "invoice_id", "update_link"),
    *("next_attempt", "reason", "date", "card", "code"),
)
TAG: Final = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Text:
    """What Duro says under one key; a paragraph with a tag that has no value is left out."""

    subject: str
    title: str
    body: tuple[str | Mapping[str, str], ...]
    button: str
    # What of the guides the button opens; else it opens what the message is about.
    guide: str | None = None

    def paragraphs(self, values: Mapping[str, str]) -> Iterator[str]:
        """Those that can be said with these values, not filled in yet."""
        for each in self.body:
            text = each if isinstance(each, str) else each["text"]
            if not isinstance(each, str) and values.get(each["unless"]):
                continue
            if all(values.get(name) for name in TAG.findall(text)):
                yield text


@dataclass(frozen=True, slots=True)
class Words:
    """One language."""

    code: str
    texts: Mapping[str, Any]

    def say(self, key: str, **values: str) -> str:
        text: str = self.texts[key]
        return text.format(**values)

    def text(self, key: str) -> Text:
        found = self.texts[key]
        body = tuple(found["body"])
        return Text(found["subject"], found["title"], body, found["button"], found.get("guide"))

    def date(self, at: datetime, zone: ZoneInfo) -> str:
        """Such as "28 Jan 2026", in `zone`."""
        return self.say("date", **self._parts(at, zone))

    def moment(self, at: datetime, zone: ZoneInfo) -> str:
        """Such as "Wed 28 Jan 2026, 10:00 Lagos time"."""
        place = zone.key.rpartition("/")[2].replace("_", " ")
        return self.say("moment", place=place, **self._parts(at, zone))

    def month(self, year: int, month: int) -> str:
        return f"{self.texts['months'][month - 1]} {year}"

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
    """English for a language that is not known."""
    known = code if code in LANGUAGES else ENGLISH
    path = share("templates") / "email" / f"{known}.toml"
    return Words(known, tomllib.loads(path.read_text(encoding="utf-8")))
