"""Signals: the first one asks for an orderly stop, the second one, or the deadline, ends it."""

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog

log = structlog.get_logger(__name__)

DEADLINE_S: Final = 25.0
# Leaves the exit itself a moment before the promised 25 s.
_WATCH_S: Final = DEADLINE_S - 0.5
_TOO_LATE: Final = 1
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_signals() -> Iterator[asyncio.Event]:
    """An event that is set by the first SIGINT or SIGTERM; from then on the deadline runs."""
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    watch: list[threading.Timer] = []

    def on_signal(number: signal.Signals) -> None:
        if asked.is_set():
            log.warning("stopped_at_once", signal=number.name)
            os._exit(128 + number)
        log.info("stopping", signal=number.name)
        asked.set()
        # A thread, because a loop that is stuck could not call it.
        timer = threading.Timer(_WATCH_S, _give_up)
        timer.daemon = True
        timer.start()
        watch.append(timer)

    for number in _SIGNALS:
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield asked
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
        for timer in watch:
            timer.cancel()


def _give_up() -> None:
    log.error("stop_took_too_long", deadline_s=DEADLINE_S)
    os._exit(_TOO_LATE)
