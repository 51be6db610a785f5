"""What recovery offers to the runtime."""

from duro.kit.module import Module
from duro.modules.recovery.routes import routes


def build() -> Module:
    return Module(name="recovery", routes=(routes,))
