"""Logs: one JSON line an event, bound ids on it, nothing private in it."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from duro.kit.logs import configure_logs, redact_text


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    configure_logs(style="json", level="info", stream=stream)
    yield stream
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize(
    "planted",
    [
        "sk_test_8Jd9fK2mQ0aZ",
        "sk_live_8Jd9fK2mQ0aZ",
        "pk_test_8Jd9fK2mQ0aZ",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "4084084084084081",
        "4084 0840 8408 4081",
        "5060-6666-6666-6666-666",
        "+2348031234567",
        "08031234567",
        "0803 123 4567",
        "ada@example.ng",
    ],
)
def test_private_text_never_reaches_a_line(out: io.StringIO, planted: str) -> None:
    structlog.get_logger("test").info("thing_seen", note=f"before {planted} after", deep=[planted])
    logging.getLogger("library").warning("said %s", planted)

    assert planted not in out.getvalue()
    assert "before" in out.getvalue()


@pytest.mark.parametrize("field", ["phone", "customer_email", "secret", "access_token", "pan"])
def test_private_fields_are_hidden_whatever_they_hold(out: io.StringIO, field: str) -> None:
    structlog.get_logger("test").info("thing_seen", **{field: "planted"})

    assert lines(out)[0][field] == "[redacted]"


def test_password_of_an_address_is_hidden_and_the_rest_is_kept() -> None:
    assert redact_text("postgresql://duro:hunter2@db/x") == "postgresql://duro:[redacted]@db/x"


@pytest.mark.parametrize(
    "harmless",
    ["sub_01JD8X2Q7M3K9V5T1R4W6Y8Z0B", "2026-01-28T09:00:00.000Z", "amount 500000", "13f0-1a"],
)
def test_ids_instants_and_amounts_stay_readable(harmless: str) -> None:
    assert redact_text(harmless) == harmless


def test_trace_is_redacted_too(out: io.StringIO) -> None:
    try:
        int("4084084084084081 is a card")
    except ValueError:
        structlog.get_logger("test").exception("thing_failed")

    assert "ValueError" in out.getvalue()
    assert "4084084084084081" not in out.getvalue()


def test_bound_ids_are_on_every_line(out: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="req_1", tenant_id="ten_1"):
        structlog.get_logger("test").info("thing_seen")
        logging.getLogger("library").warning("plain")

    assert [line["request_id"] for line in lines(out)] == ["req_1", "req_1"]
    assert lines(out)[0]["event"] == "thing_seen"
    assert lines(out)[0]["level"] == "info"


def test_what_is_below_the_level_is_not_written(out: io.StringIO) -> None:
    structlog.get_logger("test").debug("thing_seen")

    assert out.getvalue() == ""
