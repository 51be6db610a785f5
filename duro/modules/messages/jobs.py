"""The due work of messages, as the scans, the worker and the test clock meet it."""

from typing import Final

from duro.kit.modes import Mode
from duro.kit.work import DueWork
from duro.modules.messages.contacts import (
    LIST_TENANTS_TO_FORGET,
    NEXT_TO_FORGET,
    forget_people,
)
from duro.modules.messages.repository import LIST_TENANTS_TO_SEND, NEXT_MESSAGE, WORK
from duro.modules.messages.sending import BATCH, Sender

# A code that somebody waits for should not take much longer than this.
_EVERY_S: Final = 5
_FORGET_EVERY_S: Final = 3600
_CAUGHT_BATCH: Final = 500
_FORGET_BATCH: Final = 1000


def due_work(sender: Sender) -> tuple[DueWork, ...]:
    """Nothing is due where nothing can be sent: messages stay queued until a channel is set up."""
    return (
        DueWork(
            name=WORK,
            every_s=_EVERY_S,
            list_due=LIST_TENANTS_TO_SEND,
            next_due=NEXT_MESSAGE,
            run=sender.run,
            batch=_CAUGHT_BATCH if sender.channels.is_caught else BATCH,
            # Without a channel somebody may still ring, and finds that nothing is done.
            modes=tuple(Mode) if sender.channels.is_open else (),
        ),
    )


# Wall time rules here, so no test clock does this work.
FORGETTING: Final = DueWork(
    name="messages.forget",
    every_s=_FORGET_EVERY_S,
    list_due=LIST_TENANTS_TO_FORGET,
    next_due=NEXT_TO_FORGET,
    run=forget_people,
    batch=_FORGET_BATCH,
)
