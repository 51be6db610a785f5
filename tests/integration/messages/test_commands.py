"""`duro messages`: dead letters seen and sent again, words of one's own tried out, and what WhatsApp has to approve."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from duro.cli.app import app
from tests.support.process import MASTER_KEY

_KILL = "UPDATE sandbox.outbox SET status = 'failed', last_error = '550 no such user', attempts = 1"
_WITHHOLD = "UPDATE sandbox.outbox SET status = 'withheld', last_error = 'a stranger'"
_STATUS = "SELECT status, template, address FROM sandbox.outbox ORDER BY id"


@pytest.fixture(autouse=True)
def _installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str, redis_url: str
) -> None:
    for name in [name for name in os.environ if name.startswith("DURO_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DURO_DATABASE_URL", database_url)
    monkeypatch.setenv("DURO_REDIS_URL", redis_url)
    monkeypatch.setenv("DURO_SECURITY__MASTER_KEY", MASTER_KEY)
    answer("tenants", "create", "Bello Foods")


def call(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def answer(*words: str) -> Any:  # noqa: ANN401 - whatever JSON the command prints
    result = call(*words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


async def _as_owner(database_url: str, text: str) -> list[Any]:
    connection = await asyncpg.connect(database_url)
    try:
        # Row security is forced on the owner too: it is lifted while this looks.
        await connection.execute("ALTER TABLE sandbox.outbox NO FORCE ROW LEVEL SECURITY")
        found: list[Any] = await connection.fetch(text)
        await connection.execute("ALTER TABLE sandbox.outbox FORCE ROW LEVEL SECURITY")
        return found
    finally:
        await connection.close()


def test_what_was_kept_back_in_test_mode_is_listed_and_read(database_url: str) -> None:
    assert call("messages", "test", "refund", "ada@example.com").exit_code == 0
    asyncio.run(_as_owner(database_url, _WITHHOLD))

    (kept,) = answer("messages", "list", "--status", "withheld")
    shown = call("messages", "show", kept["id"])

    assert (kept["template"], kept["status"], kept["why"]) == ("refund", "withheld", "a stranger")
    assert answer("messages", "list", "--status", "sent") == []
    assert "To: ada@example.com\nStatus: withheld (a stranger)\nSubject: [Test] " in shown.stdout
    assert "<html" in call("messages", "show", kept["id"], "--html").stdout


def test_dead_letters_are_listed_and_queued_again(database_url: str) -> None:
    assert call("messages", "test", "receipt", "ada@example.com").exit_code == 0
    asyncio.run(_as_owner(database_url, _KILL))
    (dead,) = answer("messages", "failed")

    resent = call("messages", "resend", "--all")

    assert (dead["template"], dead["to"], dead["why"]) == (
        "receipt",
        "ada@example.com",
        "550 no such user",
    )
    assert "1 of 1" in resent.stderr
    assert [tuple(row) for row in asyncio.run(_as_owner(database_url, _STATUS))] == [
        ("queued", "receipt", "ada@example.com")
    ]
    assert answer("messages", "failed") == []
    assert call("messages", "resend").exit_code == 2


def test_words_of_ones_own_are_kept_shown_and_forgotten(tmp_path: Path) -> None:
    body = tmp_path / "body.html"
    body.write_text("<p>Dear {{customer_name}}<script>x</script></p>", encoding="utf-8")
    subject = "Ours: {{amount}}"

    made = call("messages", "write", "receipt", "--subject", subject, "--body", str(body))
    preview = call("messages", "preview", "receipt")
    listed = answer("messages", "words")
    forgotten = call("messages", "forget", "receipt")

    assert json.loads(made.stdout)["body"] == "<p>Dear {{customer_name}}</p>"
    assert "Subject: [Test] Ours: ₦5,000.00" in preview.stdout
    assert "Dear Ada" in preview.stdout
    assert [(row["key"], row["enabled"]) for row in listed] == [("receipt", True)]
    assert forgotten.exit_code == 0
    assert answer("messages", "words") == []
    assert call("messages", "forget", "receipt").exit_code == 4


def test_what_is_no_key_or_tag_is_refused_with_those_that_are() -> None:
    refused = call("messages", "write", "nonsense", "--subject", "{{password}}")

    assert refused.exit_code == 4
    assert "dunning_1" in refused.stderr
    assert "No such tag: password" in refused.stderr


def test_the_templates_for_whatsapp_have_their_places_numbered() -> None:
    rows = {row["name"]: row for row in answer("messages", "whatsapp")}

    assert rows["duro_otp"]["category"] == "AUTHENTICATION"
    assert rows["duro_dunning_1"]["body"].startswith("Hello {{1}},")
    assert rows["duro_dunning_1"]["places"].startswith("customer_name, amount")
    assert "duro_dunning_1_pcm" in rows


def test_doctor_says_that_messages_cannot_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    without = {row["check"]: row for row in answer("doctor")}["messages"]
    monkeypatch.setenv("DURO_MAIL__URL", "smtp://mail.example")
    half = call("doctor", "--json")
    monkeypatch.setenv("DURO_MAIL__SENDER", "billing@pay.example")
    whole = {row["check"]: row for row in answer("doctor")}["messages"]

    assert without["finding"].startswith("NO CHANNEL")
    assert half.exit_code == 1
    assert "mail.sender" in half.stdout
    assert (whole["result"], whole["finding"]) == ("ok", "by e-mail")
