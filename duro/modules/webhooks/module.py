"""What webhooks offer to the runtime."""

from duro.kit.envelope import Envelope
from duro.kit.module import Module
from duro.modules.webhooks.egress import Egress
from duro.modules.webhooks.jobs import due_work
from duro.modules.webhooks.routes import routes


def build(*, egress: Egress, envelope: Envelope) -> Module:
    return Module(name="webhooks", routes=(routes,), work=due_work(egress, envelope))
