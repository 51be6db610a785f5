"""What customers offer to the runtime."""

from duro.kit.module import Module
from duro.modules.customers.routes import routes


def build() -> Module:
    return Module(name="customers", routes=(routes,))
