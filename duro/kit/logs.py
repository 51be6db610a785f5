"""How Duro logs: structlog over the standard library, one line an event, nothing secret in it."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Final, Literal, TextIO, TypeAlias

import orjson
import structlog
from structlog.typing import EventDict, Processor

Format: TypeAlias = Literal["auto", "json", "console"]

_GONE: Final = "[redacted]"
# Fields whose value a log never needs, whatever it looks like.
_PRIVATE_FIELDS: Final = re.compile(
    r"(^|_)(phone|email|e_mail|secret|password|passwd|token|authorization|cookie|otp|pin|cvv|pan|master_key|api_key)($|_)"
)
_PRIVATE_TEXT: Final = (
    (
        re.compile(
            r"\b((?:sk|pk)_(?:test|live)|csec_(?:test|live)|whsec|cs_(?:test|live))_[A-Za-z0-9+/=_-]+"
        ),
        r"\1_" + _GONE,
    ),
    (re.compile(r"://([^:/@\s]*):[^@/\s]+@"), rf"://\1:{_GONE}@"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), _GONE),
    # 13 to 19 digits, as a card number is written; our own ids have letters among their digits.
    (re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w.-])"), _GONE),
    # A Nigerian mobile number, with or without its country.
    (re.compile(r"(?<![\w.-])(?:\+?234|0)[ -]?[789]\d(?:[ -]?\d){8}(?!\w)"), _GONE),
)
_QUIET: Final = {
    "saq": logging.WARNING,
    "asyncio": logging.WARNING,
    "aiohttp.access": logging.WARNING,
}


def configure_logs(
    *, style: Format = "auto", level: str = "info", stream: TextIO | None = None
) -> None:
    """Sends our events and the libraries' to `stream` (default stderr), as JSON or for a person."""
    out = stream or sys.stderr
    is_console = style == "console" or (style == "auto" and out.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(_formatter(shared, is_console=is_console, has_colors=out.isatty()))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(least, root.level))


def _formatter(
    shared: list[Processor], *, is_console: bool, has_colors: bool
) -> structlog.stdlib.ProcessorFormatter:
    rendered: list[Processor] = (
        [
            redact,
            structlog.dev.ConsoleRenderer(
                colors=has_colors, exception_formatter=structlog.dev.plain_traceback
            ),
        ]
        if is_console
        # The trace becomes text first, so that it is redacted like the rest.
        else [structlog.processors.format_exc_info, redact, _as_json]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendered],
    )


def redact(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Takes credentials, card and phone numbers and addresses out of an event."""
    for key, value in event.items():
        event[key] = _redacted(key, value)
    return event


def redact_text(text: str) -> str:
    """The text without what looks like a credential, a card or phone number or an address."""
    for pattern, instead in _PRIVATE_TEXT:
        text = pattern.sub(instead, text)
    return text


def _redacted(key: str, value: object) -> object:
    if value is not None and not isinstance(value, bool) and _PRIVATE_FIELDS.search(key.lower()):
        return _GONE
    match value:
        case str():
            return redact_text(value)
        case MutableMapping():
            return {k: _redacted(str(k), v) for k, v in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_redacted("", item) for item in value]
        case int() | float() | None:
            return value
        case _:
            return value if key in {"exc_info", "timestamp"} else redact_text(str(value))


def _as_json(_logger: object, _method: str, event: EventDict) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
