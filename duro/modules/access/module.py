"""What access offers to the runtime."""

from duro.kit.module import Module


def build() -> Module:
    return Module(name="access")
