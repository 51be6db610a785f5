"""What invoices offer to the runtime."""

from duro.kit.module import Module
from duro.modules.invoices.routes import routes


def build() -> Module:
    return Module(name="invoices", routes=(routes,))
