"""Puts the features together, in their order, with the gateways and outside calls that they need."""

import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeAlias

from pydantic import SecretStr

from duro.adapters.egress import GuardedEgress
from duro.adapters.gateways.simulated import SimulatedGateway
from duro.kit.call import Authenticate
from duro.kit.clock import Clock
from duro.kit.db import Database
from duro.kit.envelope import Envelope, read_master_key
from duro.kit.forgetting import FORGETTING
from duro.kit.modes import Mode
from duro.kit.module import Module
from duro.kit.registry import Routes
from duro.kit.sql import Statement
from duro.kit.work import DueWork
from duro.modules.access import module as access
from duro.modules.access.service import Authenticator
from duro.modules.access.uses import KeyUses
from duro.modules.analytics import module as analytics
from duro.modules.catalog import module as catalog
from duro.modules.charging import module as charging
from duro.modules.charging.engine import Charging
from duro.modules.charging.paying import Paying
from duro.modules.charging.receiving import settle_now
from duro.modules.checkout import module as checkout
from duro.modules.checkout.links import CheckoutLinks
from duro.modules.customers import module as customers
from duro.modules.events import module as events
from duro.modules.invoices import module as invoices
from duro.modules.invoices.links import PayLinks
from duro.modules.messages import module as messages
from duro.modules.messages.contacts import People
from duro.modules.messages.links import OptOutLinks
from duro.modules.messages.receipts import Receipts
from duro.modules.messages.wording import Wording
from duro.modules.payments import module as payments
from duro.modules.payments.callbacks import Callbacks
from duro.modules.payments.gateway import Gateways
from duro.modules.recovery import module as recovery
from duro.modules.tenants import module as tenants
from duro.modules.testclock import module as testclock
from duro.modules.testclock.repository import LIST_CLOCKS
from duro.modules.webhooks import module as webhooks
from duro.modules.webhooks.endpoints import EndpointService
from duro.modules.webhooks.service import ReplayService
from duro.runtime.callbacks import callback_keys
from duro.runtime.channels import open_channels, opt_out_links, receipts_of
from duro.runtime.errors import StartError
from duro.settings import Settings

_LINK_KEY: Final = b"duro pay links"
_CHECKOUT_KEY: Final = b"duro checkout sessions"
_PEOPLE_KEY: Final = b"duro people"
# By wall time, so no test clock does their work.
_FORGETTING: Final = (webhooks.FORGETTING, FORGETTING, messages.FORGETTING)


@dataclass(frozen=True, slots=True)
class Ground:
    """What every feature stands on."""

    settings: Settings
    db: Database
    clock: Clock
    public_url: str


@dataclass(frozen=True, slots=True)
class System:
    """Everything the features offer; `clocks` lists the test tenants with a time of their own."""

    modules: tuple[Module, ...]
    authenticate: Authenticate
    endpoints: EndpointService
    replays: ReplayService
    callbacks: Callbacks
    paying: Paying
    wording: Wording
    opt_outs: OptOutLinks
    receipts: Receipts
    clocks: Statement | None = None

    @property
    def routes(self) -> list[Routes]:
        return [routes for module in self.modules for routes in module.routes]

    @property
    def core_routes(self) -> list[Routes]:
        return [routes for module in self.modules for routes in module.core_routes]

    @property
    def works(self) -> list[DueWork]:
        return [work for module in self.modules for work in module.work]


Compose: TypeAlias = Callable[[Ground], AbstractAsyncContextManager[System]]


@asynccontextmanager
async def compose(ground: Ground) -> AsyncIterator[System]:
    """The features of this version, low to high."""
    master_key = _master_key(ground.settings.security.master_key)
    envelope = Envelope([master_key])
    simulated = SimulatedGateway(ground.db)
    gateways = Gateways({Mode.TEST: simulated})
    links = PayLinks(ground.public_url, _key(master_key, _LINK_KEY))
    sessions = CheckoutLinks(ground.public_url, _key(master_key, _CHECKOUT_KEY))
    charger = Charging(gateways, links)
    opt_outs = opt_out_links(ground.public_url, master_key)
    async with (
        GuardedEgress(allow_loopback=ground.settings.webhooks.allow_loopback) as egress,
        KeyUses(ground.db) as uses,
        open_channels(ground.settings, ground.clock) as channels,
    ):
        endpoints = EndpointService(ground.db, envelope, egress)
        replays = ReplayService(ground.db)
        wording = Wording(ground.db, opt_outs)
        features = (
            events.build(),
            tenants.build(),
            access.build(),
            catalog.build(public_url=ground.public_url),
            customers.build(),
            payments.build(simulated, gateways, settle=partial(settle_now, charger)),
            invoices.build(),
            recovery.build(),
            charging.build(gateways=gateways, links=links),
            checkout.build(gateways=gateways, links=sessions),
            analytics.build(),
            messages.build(
                channels=channels, links=opt_outs, people=_people(master_key), wording=wording
            ),
            webhooks.build(egress=egress, envelope=envelope, endpoints=endpoints, replays=replays),
        )
        # The order of the work is that of one instant on a test clock: what happens, then telling of it.
        works = [each for feature in features for each in feature.work if Mode.TEST in each.modes]
        yield System(
            modules=(*map(_held_back, features), testclock.build(works=works), *_FORGETTING),
            clocks=LIST_CLOCKS,
            authenticate=Authenticator(ground.db, ground.clock, uses),
            endpoints=endpoints,
            replays=replays,
            callbacks=Callbacks(ground.db, gateways, callback_keys(master_key)),
            paying=Paying(ground.db, charger),
            wording=wording,
            opt_outs=opt_outs,
            receipts=receipts_of(ground.settings, ground.db),
        )


def _held_back(feature: Module) -> Module:
    return replace(feature, work=tuple(map(testclock.held_back, feature.work)))


def _people(master_key: bytes) -> People:
    return People(_key(master_key, _PEOPLE_KEY))


def _key(master_key: bytes, purpose: bytes) -> bytes:
    return hmac.digest(master_key, purpose, hashlib.sha256)


def _master_key(given: SecretStr | None) -> bytes:
    if given is None:
        raise StartError(
            "security.master_key is not set: it seals the secrets in the database. Make one with "
            "`openssl rand -base64 32`, set it as DURO_SECURITY__MASTER_KEY, and keep it safe."
        )
    try:
        return read_master_key(given.get_secret_value())
    except ValueError as error:
        raise StartError(f"security.master_key: {error}") from error
