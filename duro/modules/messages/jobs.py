"""The due work of messages, as the scans, the worker and the test clock meet it."""

from typing import Final

from duro.kit.work import DueWork
from duro.modules.messages.repository import LIST_TENANTS_TO_SEND, NEXT_MESSAGE
from duro.modules.messages.sending import BATCH, Sender

# A code that somebody waits for should not take much longer than this.
_EVERY_S: Final = 5
_CAUGHT_BATCH: Final = 500


def due_work(sender: Sender) -> tuple[DueWork, ...]:
    """Nothing is due where nothing can be sent: messages stay queued until a channel is set up."""
    if not sender.channels.is_open:
        return ()
    return (
        DueWork(
            name="messages.send",
            every_s=_EVERY_S,
            list_due=LIST_TENANTS_TO_SEND,
            next_due=NEXT_MESSAGE,
            run=sender.run,
            batch=_CAUGHT_BATCH if sender.channels.is_caught else BATCH,
        ),
    )
