"""Merge tags: what each stands for in a message, and how they are filled in; nothing that is filled in is ever code."""

import re
from collections.abc import Mapping
from datetime import datetime
from html import escape, unescape
from typing import Final
from zoneinfo import ZoneInfo

import nh3

from duro.billing.failures import Category, customer_words
from duro.billing.money import format_minor
from duro.modules.messages.model import Letter, Message
from duro.modules.messages.texts import TAG, TAGS, Words

# Their reason comes from the bank's answer; what else is written there is for the merchant.
_ABOUT_A_FAILURE: Final = frozenset(
    {"dunning_1", "dunning_2", "dunning_3", "dunning_4", "payment_action_required"}
)
_SETTLED: Final = frozenset({"receipt", "payment_recovered"})
_ALLOWED: Final = frozenset(
    {
        *("a", "b", "blockquote", "br", "em", "h1", "h2", "h3", "hr", "i"),
        *("li", "ol", "p", "strong", "u", "ul"),
    }
)
_SCHEMES: Final = frozenset({"https", "http", "mailto", "tel"})
_BREAK: Final = re.compile(r"<br\s*/?>|</(?:p|li|h[1-3]|blockquote)>", re.IGNORECASE)
_LINES: Final = re.compile(r"\n\s*\n\s*\n+")


def fill(text: str, values: Mapping[str, str]) -> str:
    """Plain text with its tags filled in; a tag without a value is empty."""
    return TAG.sub(lambda found: values.get(found[1], ""), text)


def fill_html(html: str, values: Mapping[str, str]) -> str:
    """The same in HTML of a merchant's: values are text there, and what they make of it is looked at once more."""
    return sanitised(TAG.sub(lambda found: escape(values.get(found[1], "")), html))


def sanitised(html: str) -> str:
    """What of a merchant's HTML may be shown in a message: words and links."""
    return nh3.clean(
        html,
        tags=set(_ALLOWED),
        attributes={"a": {"href"}},
        url_schemes=set(_SCHEMES),
        link_rel="noopener noreferrer",
    )


def plain(html: str) -> str:
    """The words of sanitised HTML, for the text part."""
    text = unescape(nh3.clean(_BREAK.sub(lambda found: found[0] + "\n", html), tags=set()))
    return _LINES.sub("\n\n", text).strip()


def unknown_tags(text: str) -> list[str]:
    return sorted({name for name in TAG.findall(text) if name not in TAGS})


def values_of(
    message: Message, letter: Letter, *, store: str, zone: ZoneInfo, words: Words
) -> dict[str, str]:
    """What each tag stands for in this message; those that stand for nothing are not there."""
    data = message.data
    next_at = _instant(data.get("nextAttemptAt"))
    found = {
        "store_name": store,
        "customer_name": letter.customer_name or words.say("nobody"),
        "amount": _amount(message, letter),
        "plan_name": letter.plan_name,
        "invoice_id": letter.invoice_number,
        "update_link": _link(message),
        "next_attempt": words.moment(next_at, zone) if next_at else None,
        "reason": _reason(message, words),
        "date": _date(message, letter, zone, words),
        "card": _card(message, words),
        "code": _text(data.get("code")),
        "endpoint": _text(data.get("endpointUrl")),
    }
    given = data.get("tags")
    if isinstance(given, dict):
        found |= {name: _text(value) for name, value in given.items() if name in TAGS}
    return {name: one_line(value) for name, value in found.items() if value}


def one_line(text: str) -> str:
    """Without what would end a line or a header; runs of spaces are one."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def _amount(message: Message, letter: Letter) -> str | None:
    given, currency = message.data.get("amount"), _text(message.data.get("currency"))
    if isinstance(given, str):
        return given
    if isinstance(given, int) and currency:
        return format_minor(given, currency)
    if letter.amount_minor is None or letter.currency is None:
        return None
    received = 0 if message.template in _SETTLED else letter.received_minor or 0
    return format_minor(letter.amount_minor - received, letter.currency)


def _link(message: Message) -> str | None:
    """Where something is open to pay, to that; but who gets money back is not asked for any."""
    pay, page = _text(message.data.get("payUrl")), _text(message.data.get("url"))
    return page or pay if message.template == "refund" else pay or page


def _reason(message: Message, words: Words) -> str | None:
    if message.template not in _ABOUT_A_FAILURE:
        return _text(message.data.get("reason"))
    known = {each.value: each for each in Category}
    category = known.get(_text(message.data.get("failureCategory")) or "")
    return customer_words(category, words.code) if category else None


def _date(message: Message, letter: Letter, zone: ZoneInfo, words: Words) -> str | None:
    data = message.data
    if message.template == "card_expiring":
        year, month = data.get("expYear"), data.get("expMonth")
        is_known = isinstance(year, int) and isinstance(month, int)
        return words.month(int(str(year)), int(str(month))) if is_known else None
    renews_at, expires_at = _instant(data.get("renewsAt")), _instant(data.get("expiresAt"))
    if renews_at:
        return words.date(renews_at, zone)
    if expires_at:
        return words.moment(expires_at, zone)
    if message.template in _SETTLED and letter.period_ends_at:
        return words.date(letter.period_ends_at, zone)
    return None


def _card(message: Message, words: Words) -> str | None:
    last4 = _text(message.data.get("last4"))
    if not last4:
        return None
    brand = (_text(message.data.get("brand")) or "card").capitalize()
    return words.say("card", brand=brand, last4=last4)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _instant(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value
    return datetime.fromisoformat(value) if isinstance(value, str) and value else None
