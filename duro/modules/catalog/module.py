"""What the catalog offers to the runtime."""

from duro.kit.module import Module
from duro.modules.catalog.routes import routes


def build() -> Module:
    return Module(name="catalog", routes=(routes,))
