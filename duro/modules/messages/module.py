"""What messages offer to the runtime."""

from typing import Final

from duro.kit.module import Module
from duro.modules.messages import jobs
from duro.modules.messages.channels import Channels
from duro.modules.messages.contacts import People
from duro.modules.messages.links import OptOutLinks
from duro.modules.messages.sending import Sender
from duro.modules.messages.text_routes import core_routes
from duro.modules.messages.wording import Wording

FORGETTING: Final = Module(name="contacts", work=(jobs.FORGETTING,))


def build(*, channels: Channels, links: OptOutLinks, people: People, wording: Wording) -> Module:
    return Module(
        name="messages",
        core_routes=(core_routes(wording),),
        work=jobs.due_work(Sender(channels, links, people)),
    )
