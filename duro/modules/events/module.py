"""What events offer to the runtime."""

from duro.kit.module import Module
from duro.modules.events.routes import routes


def build() -> Module:
    return Module(name="events", routes=(routes,))
