"""What webhooks offer to the runtime."""

from typing import Final

from duro.kit.envelope import Envelope
from duro.kit.module import Module
from duro.modules.webhooks import jobs
from duro.modules.webhooks.egress import Egress
from duro.modules.webhooks.endpoint_routes import core_routes
from duro.modules.webhooks.endpoints import EndpointService
from duro.modules.webhooks.routes import routes
from duro.modules.webhooks.service import ReplayService

FORGETTING: Final = Module(name="attempts", work=(jobs.FORGETTING,))


def build(
    *, egress: Egress, envelope: Envelope, endpoints: EndpointService, replays: ReplayService
) -> Module:
    """`endpoints` and `replays` do what members ask for."""
    return Module(
        name="webhooks",
        routes=(routes,),
        core_routes=(core_routes(endpoints, replays),),
        work=jobs.due_work(egress, envelope),
    )
