"""The words of messages over HTTP, for members who have signed in."""

from typing import Final

from duro.errors import NotFoundError
from duro.kit.call import SESSION_ONLY, Call
from duro.kit.limits import LimitClass
from duro.kit.pagination import Page
from duro.kit.registry import DoneByMembers, ReadByMembers, Routes
from duro.modules.members.repository import MemberRepository
from duro.modules.messages.repository import OverrideRepository
from duro.modules.messages.text_schemas import (
    PreviewAsk,
    PreviewOut,
    TestAsk,
    TestedOut,
    TextDetailOut,
    TextOut,
    TextPut,
    preview_out,
    text_detail_out,
    text_out,
)
from duro.modules.messages.texts import KEYS, LANGUAGES
from duro.modules.messages.wording import OwnWords, Wording, find_own

_TEXTS: Final = "/dashboard/api/{mode}/message-texts"
_TEXT: Final = f"{_TEXTS}/{{key}}/{{language}}"
_READ: Final[ReadByMembers] = {"permission": "read", "credential": SESSION_ONLY}
_PREVIEW: Final[DoneByMembers] = {**_READ, "transaction": "own"}
_CHANGE: Final[DoneByMembers] = {
    "permission": "appearance:manage",
    "credential": SESSION_ONLY,
    "transaction": "own",
}
_EXAMPLE: Final = {
    "channel": "email",
    "subject": "{{store_name}}: {{amount}} is open",
    "body": "<p>Dear {{customer_name}},</p><p>{{reason}}</p>",
    "enabled": True,
}
_SHOWN: Final = {"subject": _EXAMPLE["subject"], "body": _EXAMPLE["body"]}


def core_routes(wording: Wording) -> Routes:
    """The operations on what the asking member's tenant says to its customers."""
    entries = Routes(tag="Message texts")
    _look(entries, wording)
    _change(entries, wording)
    return entries


def _look(entries: Routes, wording: Wording) -> None:
    @entries.get(_TEXTS, **_READ)
    async def list_message_texts(call: Call) -> Page[TextOut]:
        """Every text in every language, and whether it is in words of your own; always all of them."""
        found = await OverrideRepository(call.tx).list_all()
        shown = [
            text_out(key, language, find_own(found, key, language))
            for key in KEYS
            for language in LANGUAGES
        ]
        return Page(shown, None, has_more=False)

    @entries.get(_TEXT, **_READ)
    async def read_message_text(call: Call, key: str, language: str) -> TextDetailOut:
        """One text with the words of your own, if there are any."""
        _demand_known(key, language)
        found = await OverrideRepository(call.tx).list_all()
        return text_detail_out(key, language, find_own(found, key, language))

    @entries.post(f"{_TEXT}/preview", example=_SHOWN, **_PREVIEW)
    async def preview_message_text(
        call: Call, key: str, language: str, body: PreviewAsk
    ) -> PreviewOut:
        """Look at a text as a made-up customer would read it; nothing is kept or sent."""
        _demand_known(key, language)
        own = None
        if body.subject is not None or body.body is not None:
            own = OwnWords(key, language, None, body.subject, body.body)
        seen = await wording.preview(call.mode, call.tenant.id, key=key, language=language, own=own)
        return preview_out(key, language, seen)


def _change(entries: Routes, wording: Wording) -> None:
    @entries.put(_TEXT, example=_EXAMPLE, **_CHANGE)
    async def put_message_text(call: Call, key: str, language: str, body: TextPut) -> TextDetailOut:
        """Say it in words of your own; what is null is Duro's."""
        _demand_known(key, language)
        own = OwnWords(
            key, language, body.channel, body.subject, body.body, is_enabled=body.enabled
        )
        return text_detail_out(key, language, await wording.save(call.mode, call.tenant.id, own))

    @entries.delete(_TEXT, **_CHANGE)
    async def forget_message_text(call: Call, key: str, language: str) -> TextDetailOut:
        """Say what Duro says again."""
        _demand_known(key, language)
        await wording.remove(call.mode, call.tenant.id, key=key, language=language)
        return text_detail_out(key, language, None)

    @entries.post(
        f"{_TEXT}/test",
        limit=LimitClass.SEND,
        example={"to": "ada@shop.example"},
        **_CHANGE,
    )
    async def test_message_text(call: Call, key: str, language: str, body: TestAsk) -> TestedOut:
        """Send it, made up, to your own address or another, as any other message is sent."""
        _demand_known(key, language)
        to = body.to or await _own_address(call)
        await wording.send_test(call.mode, call.tenant.id, key=key, language=language, address=to)
        return TestedOut(to=to)


async def _own_address(call: Call) -> str:
    async with call.db.core() as tx:
        return (await MemberRepository(tx, call.tenant.id).get(call.credential.id)).email


def _demand_known(key: str, language: str) -> None:
    if key not in KEYS or language not in LANGUAGES:
        raise NotFoundError("There is no such text, or not in that language.")
