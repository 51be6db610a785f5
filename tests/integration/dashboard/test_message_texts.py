"""What a merchant says to its customers, looked at, changed and tried in the dashboard."""

from typing import Any

import pytest

from duro.kit.modes import Mode
from duro.kit.pagination import ListQuery, seek
from duro.modules.members.model import Role
from duro.modules.messages.model import Message
from duro.modules.messages.repository import OutboxRepository
from duro.modules.messages.texts import KEYS, LANGUAGES
from tests.support.dashboard import Office, Visitor

_OWN = {
    "channel": "whatsapp",
    "subject": "{{store_name}}: {{amount}} is open",
    "body": "<p onclick='x()'>Dear {{customer_name}}</p><script>x()</script>",
    "enabled": True,
}


@pytest.fixture
async def dev(office: Office, tenant: str) -> Visitor:
    return await office.signed_in(tenant, Role.DEVELOPER, "bola@adunni.example")


@pytest.fixture
def texts(mode: Mode) -> str:
    return f"/dashboard/api/{mode}/message-texts"


async def outbox(office: Office, mode: Mode, tenant: str) -> list[Message]:
    place = seek(ListQuery(), name="", mode=mode, tenant_id=tenant)
    async with office.scope(mode, tenant).begin() as tx:
        return await OutboxRepository(tx).page(place)


async def shown(dev: Visitor, path: str) -> dict[str, Any]:
    answer = await dev.get(path)
    assert answer.status == 200, answer.body
    return answer.json


async def test_every_text_is_listed_in_every_language_with_whether_it_is_own(
    dev: Visitor, texts: str
) -> None:
    assert (await dev.put(f"{texts}/receipt/pcm", _OWN)).status == 200
    assert (await dev.put(f"{texts}/refund/en", _OWN | {"enabled": False})).status == 200

    page = await shown(dev, texts)

    found = {(each["key"], each["language"]): each for each in page["items"]}
    assert set(found) == {(key, language) for key in KEYS for language in LANGUAGES}
    assert (page["nextCursor"], page["hasMore"]) == (None, False)
    own = {place for place, each in found.items() if each["isOverridden"]}
    assert own == {("receipt", "pcm"), ("refund", "en")}
    assert found["receipt", "pcm"]["enabled"] is True
    assert found["refund", "en"]["enabled"] is False
    assert found["receipt", "en"]["channels"] == ["email", "whatsapp"]


async def test_words_are_kept_sanitised_replaced_and_forgotten(dev: Visitor, texts: str) -> None:
    path = f"{texts}/dunning_1/en"
    before = await shown(dev, path)
    kept = (await dev.put(path, _OWN)).json
    replaced = (await dev.put(path, {"subject": "Open"})).json
    forgotten = await dev.delete(path)
    again = await dev.delete(path)

    assert (before["isOverridden"], before["subject"], before["body"]) == (False, None, None)
    assert before["defaultSubject"]
    assert kept["body"] == "<p>Dear {{customer_name}}</p>"
    assert (kept["channel"], kept["subject"]) == ("whatsapp", _OWN["subject"])
    assert (replaced["channel"], replaced["body"], replaced["enabled"]) == (None, None, True)
    assert (forgotten.status, forgotten.json) == (200, before)
    assert (again.status, again.code) == (404, "not_found")
    assert await shown(dev, path) == before


@pytest.mark.parametrize("path", ["nothing/en", "receipt/fr", "Receipt/en", "receipt/%00"])
async def test_a_text_that_there_is_not_is_not_found(dev: Visitor, texts: str, path: str) -> None:
    answers = [
        await dev.get(f"{texts}/{path}"),
        await dev.put(f"{texts}/{path}", _OWN),
        await dev.delete(f"{texts}/{path}"),
        await dev.post(f"{texts}/{path}/preview"),
        await dev.post(f"{texts}/{path}/test"),
    ]

    assert [answer.status for answer in answers] == [404] * 5


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({"subject": ""}, ["subject"]),
        ({"subject": "x" * 201}, ["subject"]),
        ({"body": " "}, ["body"]),
        ({"subject": "{{password}}", "body": "{{secret}}"}, ["subject", "body"]),
        ({"channel": "sms"}, ["channel"]),
        ({"enabled": None}, ["enabled"]),
        ({"html": "x"}, ["html"]),
    ],
)
async def test_words_that_cannot_be_used_are_refused_with_their_path(
    dev: Visitor, texts: str, body: dict[str, object], paths: list[str]
) -> None:
    answer = await dev.put(f"{texts}/receipt/en", body)

    assert (answer.status, answer.paths) == (422, paths)
    assert (await shown(dev, f"{texts}/receipt/en"))["isOverridden"] is False


async def test_a_subject_cannot_add_a_header(dev: Visitor, texts: str) -> None:
    answer = await dev.put(f"{texts}/receipt/en", {"subject": "Hello\r\nBcc: all@example.com"})

    assert answer.json["subject"] == "Hello Bcc: all@example.com"


async def test_a_preview_shows_words_that_are_not_kept_and_keeps_none(
    office: Office, dev: Visitor, texts: str, mode: Mode, tenant: str
) -> None:
    path = f"{texts}/dunning_1/en"
    duros = (await dev.post(f"{path}/preview")).json
    tried = (
        await dev.post(
            f"{path}/preview", {"subject": "Try", "body": "<p>Dear <b>{{customer_name}}</b></p>"}
        )
    ).json
    refused = await dev.post(f"{path}/preview", {"subject": "{{password}}"})
    await dev.put(path, {"subject": "Kept", "enabled": False})
    kept = (await dev.post(f"{path}/preview")).json

    assert "<html" in duros["html"]
    assert "{{" not in duros["html"] + duros["text"] + duros["subject"]
    assert tried["subject"].endswith("Try")
    assert "<b>Ada</b>" in tried["html"]
    assert "Dear Ada" in tried["text"]
    assert (refused.status, refused.paths) == (422, ["subject"])
    assert kept["subject"].endswith("Kept")
    assert (duros["whatsappTemplate"], "{{1}}" in duros["whatsappBody"]) == ("duro_dunning_1", True)
    assert await outbox(office, mode, tenant) == []


async def test_a_test_goes_to_the_asking_member_or_to_a_given_address(
    office: Office, dev: Visitor, texts: str, mode: Mode, tenant: str
) -> None:
    path = f"{texts}/receipt/pcm/test"

    own = (await dev.post(path)).json
    mail = (await dev.post(path, {"to": "ada@example.com"})).json
    phone = (await dev.post(path, {"to": "+2348031234567"})).json
    wrong = await dev.post(path, {"to": "ada"})

    queued = [message.address for message in await outbox(office, mode, tenant)]
    assert [each["to"] for each in (own, mail, phone)] == [
        *("bola@adunni.example", "ada@example.com", "+2348031234567")
    ]
    assert sorted(filter(None, queued)) == [
        *("+2348031234567", "ada@example.com", "bola@adunni.example")
    ]
    assert (wrong.status, wrong.paths) == (422, ["to"])


async def test_words_belong_to_one_tenant_and_one_mode(
    office: Office, dev: Visitor, texts: str, mode: Mode, tenant_b: str
) -> None:
    (other,) = set(Mode) - {mode}
    stranger = await office.signed_in(tenant_b, Role.OWNER)
    await dev.put(f"{texts}/receipt/en", {"subject": "Mine"})

    elsewhere = [
        await shown(dev, f"/dashboard/api/{other}/message-texts/receipt/en"),
        await shown(stranger, f"{texts}/receipt/en"),
    ]
    refused = await stranger.delete(f"{texts}/receipt/en")

    assert [each["isOverridden"] for each in elsewhere] == [False, False]
    assert refused.status == 404
    assert (await shown(dev, f"{texts}/receipt/en"))["subject"] == "Mine"
