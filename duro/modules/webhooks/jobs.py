"""The due work of webhooks, as the scans, the worker and the test clock meet it."""

from typing import Final

from duro.kit.envelope import Envelope
from duro.kit.sql import queries
from duro.kit.work import DueWork
from duro.modules.webhooks.deliver import Deliverer
from duro.modules.webhooks.egress import Egress
from duro.modules.webhooks.fanout import fan_out
from duro.modules.webhooks.forgetting import forget_old_attempts

_EVENTS: Final = queries("events")
_WEBHOOKS: Final = queries("webhooks")
_EVERY_S: Final = 15
_FAN_OUT_BATCH: Final = 500
_DELIVER_BATCH: Final = 500
_FORGET_EVERY_S: Final = 3600
_FORGET_BATCH: Final = 1000


def due_work(egress: Egress, envelope: Envelope) -> tuple[DueWork, ...]:
    """Fan-out before delivery: at one instant of a test clock the first makes work for the second."""
    return (
        DueWork(
            name="webhook.fanout",
            every_s=_EVERY_S,
            list_due=_EVENTS["list_tenants_to_fan_out"],
            next_due=_EVENTS["find_next_fan_out"],
            run=fan_out,
            batch=_FAN_OUT_BATCH,
        ),
        DueWork(
            name="webhook.deliver",
            every_s=_EVERY_S,
            list_due=_WEBHOOKS["list_tenants_to_deliver"],
            next_due=_WEBHOOKS["find_next_delivery"],
            run=Deliverer(egress, envelope).run,
            batch=_DELIVER_BATCH,
        ),
    )


# A test clock that moves on does not do it at every instant at which an attempt grows old: the scans do it afterwards.
FORGETTING: Final = DueWork(
    name="webhook.forget",
    every_s=_FORGET_EVERY_S,
    list_due=_WEBHOOKS["list_tenants_with_old_attempts"],
    next_due=_WEBHOOKS["find_next_old_attempt"],
    run=forget_old_attempts,
    batch=_FORGET_BATCH,
)
