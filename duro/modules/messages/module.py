"""What messages offer to the runtime."""

from duro.kit.module import Module
from duro.modules.messages.channels import Channels
from duro.modules.messages.jobs import due_work
from duro.modules.messages.links import OptOutLinks
from duro.modules.messages.sending import Sender


def build(*, channels: Channels, links: OptOutLinks) -> Module:
    return Module(name="messages", work=due_work(Sender(channels, links)))
