"""Writes a message: its subject, HTML and text from Duro's words or the merchant's own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import css_inline
import jinja2
from markupsafe import Markup

from duro.kit.modes import Mode
from duro.kit.share import share
from duro.modules.messages.channels import Mail, WhatsApp
from duro.modules.messages.filling import fill, fill_html, one_line, plain, values_of
from duro.modules.messages.links import OptOutLinks
from duro.modules.messages.model import Channel, Letter, Message, Override
from duro.modules.messages.texts import ENGLISH, TAG, TO_OWNERS, Text, Words, words_in

# Whose WhatsApp template has a button: those that always lead somewhere.
LINKED: Final = frozenset(
    {
        *("dunning_1", "dunning_2", "dunning_3", "dunning_4", "payment_action_required"),
        *("receipt", "payment_recovered", "refund", "abandoned_checkout"),
    }
)
# Who speaks to merchants.
DURO: Final = "Duro"
CODES: Final = frozenset({"otp", "portal_code"})
_SUBJECT_MAX: Final = 200
_NOTHING: Final = "–"
# With a payment request its details say until when; without one there is no such time.
_NOT_SURE: Final = frozenset({"next_attempt"})
_INLINER: Final = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


@dataclass(frozen=True, slots=True)
class House:
    """Whose messages these are, and where its customers live."""

    store: str
    zone: ZoneInfo
    tenant_id: str
    mode: Mode
    public_url: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What a message says, before anybody is chosen to carry it."""

    language: str
    subject: str
    html: str
    text: str
    values: Mapping[str, str]
    link: str | None


def draft(
    message: Message,
    letter: Letter,
    house: House,
    *,
    override: Override | None = None,
    stop_link: str | None = None,
) -> Draft:
    """The message as its person will read it; `stop_link` is where they say that it is enough."""
    words = words_in(letter.language or ENGLISH)
    is_ours = message.template in TO_OWNERS
    text = words.text(message.template)
    values = values_of(message, letter, store=house.store, zone=house.zone, words=words)
    own = override if override is not None and override.is_enabled else None
    subject = one_line(fill((own and own.subject) or text.subject, values))
    if house.mode is Mode.TEST:
        subject = f"{words.say('test_mark')} {subject}"
    link = f"{house.public_url}/docs/{text.guide}" if text.guide else values.get("update_link")
    own_words = Markup(fill_html(own.body, values)) if own and own.body else None  # noqa: S704 - sanitised just now
    shown = {
        "language": words.code,
        "subject": subject[:_SUBJECT_MAX],
        "store": DURO if is_ours else house.store,
        "test_note": _test_note(words, is_ours=is_ours) if house.mode is Mode.TEST else None,
        "own_words": own_words,
        "title": fill(text.title, values),
        "paragraphs": [fill(each, values) for each in text.paragraphs(values)],
        "details": list(_details(message, words)),
        "command": message.data.get("command"),
        "link": link,
        "button": _button(text, values),
        "why": words.say("why_owner" if is_ours else "why", store=house.store),
        "stop_link": stop_link,
        "stop": words.say("stop"),
    }
    return Draft(
        language=words.code,
        subject=subject[:_SUBJECT_MAX],
        html=_INLINER.inline(_layout().render(shown)),
        text=_plain(shown, words),
        values=values,
        link=link,
    )


def mail_of(message: Message, to: str, written: Draft, house: House, stop_link: str | None) -> Mail:
    """The e-mail. RFC 8058: who reads mail can stop it with one click where it is optional."""
    headers = {"Auto-Submitted": "auto-generated"}
    if stop_link is not None:
        headers["List-Unsubscribe"] = f"<{stop_link}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return Mail(
        message_id=message.id,
        to=to,
        sender_name=DURO if message.template in TO_OWNERS else house.store,
        subject=written.subject,
        html=written.html,
        text=written.text,
        headers=headers,
    )


def whatsapp_of(message: Message, to: str, written: Draft, house: House) -> WhatsApp:
    """The WhatsApp message: an approved template of the same words, and what stands in its places."""
    name = template_name(message.template, written.language)
    if message.template in CODES:
        code = written.values.get("code", "")
        return WhatsApp(message.id, to, name, ENGLISH, parameters=(code,), code=code)
    _, tags = whatsapp_text(message.template, written.language)
    link_end = None
    if message.template in LINKED and written.link is not None:
        link_end = written.link.removeprefix(f"{house.public_url}/")
    return WhatsApp(
        message.id,
        to,
        name,
        ENGLISH,
        parameters=tuple(written.values.get(tag, _NOTHING) for tag in tags),
        link_end=link_end,
    )


def template_name(key: str, language: str) -> str:
    """WhatsApp knows no Pidgin: those templates are kept under English and names of their own."""
    return f"duro_{key}" if language == ENGLISH else f"duro_{key}_{language}"


@cache
def whatsapp_text(key: str, language: str) -> tuple[str, tuple[str, ...]]:
    """What is to be approved, with numbered places, and the tag of each place."""
    tags: list[str] = []

    def place(tag: str) -> str:
        tags.append(tag)
        return f"{{{{{len(tags)}}}}}"

    text = words_in(language).text(key)
    skipped = _NOT_SURE | ({"date"} if key == "payment_action_required" else set())
    sure = [each for each in text.body if isinstance(each, str)]
    said = [each for each in sure if not skipped & set(TAG.findall(each))]
    body = "\n\n".join(TAG.sub(lambda found: place(found[1]), each) for each in said)
    return body, tuple(tags)


def channel_of(
    message: Message, letter: Letter, override: Override | None
) -> list[tuple[Channel, str]]:
    """By what it may go and to which address, the best first: e-mail, else WhatsApp, unless the merchant chose."""
    if message.address is not None:
        channel = Channel.EMAIL if "@" in message.address else Channel.WHATSAPP
        return [(channel, message.address)]
    given = {Channel.EMAIL: letter.email, Channel.WHATSAPP: letter.phone}
    ways = [(channel, address) for channel, address in given.items() if address]
    chosen = override.channel if override is not None and override.is_enabled else None
    return sorted(ways, key=lambda way: way[0] is not chosen)


def stop_link_of(links: OptOutLinks, house: House, message: Message) -> str | None:
    """Where its reader has no more of these; None for what is owed to them."""
    if not message.is_optional:
        return None
    return links.url(mode=house.mode, tenant_id=house.tenant_id, message_id=message.id)


def _details(message: Message, words: Words) -> Iterator[tuple[str, str]]:
    """How a payment request is paid: the account to pay into, or the code to dial."""
    given = message.data.get("details")
    if isinstance(given, dict):
        for name, label in words.texts["details"].items():
            if isinstance(value := given.get(name), str):
                yield label, one_line(value)


def _test_note(words: Words, *, is_ours: bool) -> str:
    return words.say("test_note_owner" if is_ours else "test_note")


def _button(text: Text, values: Mapping[str, str]) -> str:
    has_all = all(values.get(name) for name in TAG.findall(text.button))
    # A button with a gap in its words says only the rest of them.
    return one_line(fill(text.button, values)) if has_all else text.button.partition(" ")[0]


def _plain(shown: Mapping[str, object], words: Words) -> str:
    own, paragraphs = shown["own_words"], shown["paragraphs"]
    lines = [str(shown["store"])]
    if shown["test_note"]:
        lines.append(str(shown["test_note"]))
    if isinstance(own, str):
        lines.append(plain(own))
    elif isinstance(paragraphs, list):
        lines += [str(shown["title"]), *map(str, paragraphs)]
    details = shown["details"]
    if isinstance(details, list) and details:
        lines.append("\n".join(f"{name}: {value}" for name, value in details))
    if shown["command"]:
        lines.append(f"    {shown['command']}")
    if shown["link"] and shown["button"]:
        lines.append(f"{shown['button']}:\n{shown['link']}")
    lines.append(f"-- \n{shown['why']}")
    if shown["stop_link"]:
        lines.append(words.say("stop_text", link=str(shown["stop_link"])))
    return "\n\n".join(lines) + "\n"


@cache
def _layout() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(share("templates") / "email"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("layout.html")
