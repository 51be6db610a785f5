"""What access offers to the runtime."""

from duro.kit.module import Module
from duro.modules.access.routes import routes


def build() -> Module:
    return Module(name="access", routes=(routes,))
