"""What webhooks offer to the runtime."""

from typing import Final

from duro.kit.envelope import Envelope
from duro.kit.module import Module
from duro.modules.webhooks import jobs
from duro.modules.webhooks.egress import Egress
from duro.modules.webhooks.routes import routes

FORGETTING: Final = Module(name="attempts", work=(jobs.FORGETTING,))


def build(*, egress: Egress, envelope: Envelope) -> Module:
    return Module(name="webhooks", routes=(routes,), work=jobs.due_work(egress, envelope))
