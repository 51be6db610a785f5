"""What messages offer to the runtime."""

from typing import Final

from duro.kit.module import Module
from duro.modules.messages import jobs
from duro.modules.messages.channels import Channels
from duro.modules.messages.contacts import People
from duro.modules.messages.links import OptOutLinks
from duro.modules.messages.sending import Sender

FORGETTING: Final = Module(name="contacts", work=(jobs.FORGETTING,))


def build(*, channels: Channels, links: OptOutLinks, people: People) -> Module:
    return Module(name="messages", work=jobs.due_work(Sender(channels, links, people)))
