"""What a feature offers to the runtime."""

from dataclasses import dataclass

from duro.kit.registry import Routes
from duro.kit.work import DueWork


@dataclass(frozen=True, slots=True)
class Module:
    """A feature's operations, for keys and for members, and its due work; built by `build()` of its module.py."""

    name: str
    routes: tuple[Routes, ...] = ()
    core_routes: tuple[Routes, ...] = ()
    work: tuple[DueWork, ...] = ()
