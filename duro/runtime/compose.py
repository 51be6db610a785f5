"""Puts the features together, in their order, with the gateways and outside calls that they need."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from duro.kit.call import Authenticate
from duro.kit.clock import Clock
from duro.kit.db import Database
from duro.kit.module import Module
from duro.kit.registry import Routes
from duro.kit.sql import Statement
from duro.kit.work import DueWork
from duro.modules.access import module as access
from duro.modules.access.service import Authenticator
from duro.modules.tenants import module as tenants
from duro.settings import Settings


@dataclass(frozen=True, slots=True)
class System:
    """Everything the features offer; `clocks` lists the test tenants with a time of their own."""

    modules: tuple[Module, ...]
    authenticate: Authenticate
    clocks: Statement | None = None

    @property
    def routes(self) -> list[Routes]:
        return [routes for module in self.modules for routes in module.routes]

    @property
    def works(self) -> list[DueWork]:
        return [work for module in self.modules for work in module.work]


@dataclass(frozen=True, slots=True)
class Ground:
    """What every feature stands on."""

    settings: Settings
    db: Database
    clock: Clock
    public_url: str


Compose: TypeAlias = Callable[[Ground], System]


def compose(ground: Ground) -> System:
    """The features of this version, low to high."""
    return System(
        modules=(tenants.build(), access.build()),
        authenticate=Authenticator(ground.db, ground.clock),
    )
