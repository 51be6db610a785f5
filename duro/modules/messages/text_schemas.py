"""The words of messages as members see and change them."""

import re
from datetime import datetime
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from duro.kit.email import is_email
from duro.kit.schema import Body, Choice, Out
from duro.modules.messages.model import OPTIONAL, Channel, Override
from duro.modules.messages.texts import words_in
from duro.modules.messages.writing import Draft, template_name, whatsapp_text

_E164: Final = re.compile(r"\+[1-9][0-9]{7,14}", re.ASCII)


def _to_address(text: str) -> str:
    if not is_email(text) and not _E164.fullmatch(text):
        raise PydanticCustomError(
            "address", "Must be an e-mail address, or a phone number such as +2348031234567"
        )
    return text


Address: TypeAlias = Annotated[str, AfterValidator(_to_address)]


class TextPut(Body):
    """Replaces what was there; what is null is Duro's."""

    channel: Annotated[
        Channel | None, Choice, Field(description="By which it goes where a customer has both.")
    ] = None
    subject: Annotated[str | None, Field(description="One line, with merge tags.")] = None
    body: Annotated[str | None, Field(description="HTML, with merge tags; sanitised.")] = None
    enabled: Annotated[bool, Field(description="False keeps them, and sends Duro's.")] = True


class PreviewAsk(Body):
    """Words to look at before they are kept; without any, those that are kept."""

    subject: str | None = None
    body: str | None = None


class TestAsk(Body):
    to: Annotated[
        Address | None, Field(description="E-mail, or phone for WhatsApp; null is your own.")
    ] = None


class TextOut(Out):
    key: str
    language: str
    channels: list[Channel]
    is_optional: Annotated[bool, Field(description="Whether its readers may stop it.")]
    is_overridden: Annotated[bool, Field(description="Whether own words or a channel are kept.")]
    enabled: Annotated[bool, Field(description="Whether what is kept is used.")]
    channel: Channel | None
    subject: str | None
    updated_at: datetime | None


class TextDetailOut(TextOut):
    body: str | None
    default_subject: Annotated[str, Field(description="What Duro says.")]


class PreviewOut(Out):
    """As a made-up customer would read it."""

    subject: str
    html: str
    text: str
    whatsapp_template: Annotated[str, Field(description="Its name at WhatsApp.")]
    whatsapp_body: Annotated[str, Field(description="What WhatsApp has approved, with places.")]


class TestedOut(Out):
    to: str


def text_out(key: str, language: str, own: Override | None) -> TextOut:
    return TextOut(
        key=key,
        language=language,
        channels=list(Channel),
        is_optional=key in OPTIONAL,
        is_overridden=own is not None,
        enabled=own is not None and own.is_enabled,
        channel=own.channel if own else None,
        subject=own.subject if own else None,
        updated_at=own.updated_at if own else None,
    )


def text_detail_out(key: str, language: str, own: Override | None) -> TextDetailOut:
    return TextDetailOut(
        **dict(text_out(key, language, own)),
        body=own.body if own else None,
        default_subject=words_in(language).text(key).subject,
    )


def preview_out(key: str, language: str, seen: Draft) -> PreviewOut:
    body, _ = whatsapp_text(key, language)
    return PreviewOut(
        subject=seen.subject,
        html=seen.html,
        text=seen.text,
        whatsapp_template=template_name(key, language),
        whatsapp_body=body,
    )
