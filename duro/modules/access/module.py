"""What access offers to the runtime."""

from duro.kit.module import Module
from duro.modules.access.routes import routes
from duro.modules.access.session_routes import core_routes


def build() -> Module:
    return Module(name="access", routes=(routes,), core_routes=(core_routes,))
