"""The only reader and writer of `plans`, `promo_codes`, `payment_links` and their slugs."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Final

from duro.errors import NotFoundError
from duro.kit.db import CoreTx, Row, Tx
from duro.kit.modes import Mode
from duro.kit.pagination import Seek
from duro.kit.rows import into
from duro.kit.sql import queries
from duro.kit.unique import UniqueViolationError
from duro.modules.catalog.errors import PromoCodeTakenError, SlugTakenError
from duro.modules.catalog.model import PaymentLink, Plan, PromoCode

_SQL: Final = queries("plans")
_PROMO_SQL: Final = queries("promo_codes")
_LINK_SQL: Final = queries("payment_links")
_NEW: Final = attrgetter(
    *("id", "name", "amount_minor", "currency", "interval", "interval_count", "trial_days"),
    *("max_cycles", "allow_multiple", "metadata", "created_at"),
)
_CHANGED: Final = attrgetter(
    *("id", "name", "amount_minor", "trial_days", "max_cycles", "archived_at", "metadata")
)
_PROMO: Final = attrgetter(*(field.name for field in fields(PromoCode)))
_LINK: Final = attrgetter(*(field.name for field in fields(PaymentLink)))
_SLUG_CONSTRAINTS: Final = frozenset({"payment_slugs_pkey", "payment_link_slug_is_unique"})


class PlanRepository:
    """The plans of one tenant and mode."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def add(self, plan: Plan) -> None:
        await self._tx.run(_SQL["insert_plan"], *_NEW(plan))

    async def get(self, plan_id: str) -> Plan:
        return _found(await self._tx.row(_SQL["get_plan"], plan_id))

    async def lock(self, plan_id: str) -> Plan:
        return _found(await self._tx.row(_SQL["lock_plan"], plan_id))

    async def find_many(self, ids: Collection[str]) -> dict[str, Plan]:
        """Those that exist, by id."""
        rows = await self._tx.rows(_SQL["find_plans"], list(ids))
        return {row["id"]: into(Plan, row) for row in rows}

    async def list_newest(self, seek: Seek, *, is_active: bool | None) -> list[Plan]:
        place = (seek.before_at, seek.before_id, seek.since_at)
        rows = await self._tx.rows(_SQL["list_plans"], *place, is_active, seek.fetch)
        return [into(Plan, row) for row in rows]

    async def save(self, plan: Plan) -> None:
        """Writes what can change; the row must be locked."""
        await self._tx.run(_SQL["update_plan"], *_CHANGED(plan))


def _found(row: Row | None) -> Plan:
    if row is None:
        raise NotFoundError("There is no such plan.")
    return into(Plan, row)


@dataclass(frozen=True, slots=True)
class PromoFilter:
    """Which promo codes a list shows; None asks nothing."""

    code: str | None = None
    plan_id: str | None = None
    is_active: bool | None = None


class PromoRepository:
    """The promo codes of one tenant and mode."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def add(self, promo: PromoCode) -> None:
        """Raises `PromoCodeTakenError`."""
        try:
            await self._tx.run(_PROMO_SQL["insert_promo_code"], *_PROMO(promo))
        except UniqueViolationError as error:
            if error.constraint != "promo_code_is_unique":
                raise
            raise PromoCodeTakenError from error

    async def get(self, promo_id: str) -> PromoCode:
        return _found_promo(await self._tx.row(_PROMO_SQL["get_promo_code"], promo_id))

    async def lock(self, promo_id: str) -> PromoCode:
        rows = await self._tx.rows(_PROMO_SQL["lock_promo_codes"], [promo_id])
        return _found_promo(rows[0] if rows else None)

    async def find_by_code(self, code: str) -> PromoCode | None:
        """In any case."""
        row = await self._tx.row(_PROMO_SQL["find_promo_code_by_code"], code)
        return None if row is None else into(PromoCode, row)

    async def find_many(self, ids: Collection[str]) -> dict[str, PromoCode]:
        """Those that exist, by id; asks nothing where there are no ids."""
        rows = await self._tx.rows(_PROMO_SQL["find_promo_codes"], sorted(ids)) if ids else []
        return {row["id"]: into(PromoCode, row) for row in rows}

    async def list_newest(self, seek: Seek, wanted: PromoFilter) -> list[PromoCode]:
        place = (seek.before_at, seek.before_id, seek.since_at)
        asked = (wanted.code, wanted.plan_id, wanted.is_active, self._tx.now)
        rows = await self._tx.rows(_PROMO_SQL["list_promo_codes"], *place, *asked, seek.fetch)
        return [into(PromoCode, row) for row in rows]

    async def save(self, promo: PromoCode) -> None:
        """Writes what can change but the count; the row must be locked."""
        changed = (promo.max_redemptions, promo.expires_at, promo.disabled_at, promo.metadata)
        await self._tx.run(_PROMO_SQL["update_promo_code"], promo.id, *changed)

    async def redeem(self, promo_id: str) -> bool:
        """Counts one redemption; False when it is closed by now."""
        return await self._tx.run(_PROMO_SQL["redeem_promo_code"], promo_id, self._tx.now) == 1

    async def give_back(self, times: Mapping[str, int]) -> None:
        """Takes redemptions back, by id of the code."""
        if times:
            await self._tx.rows(_PROMO_SQL["lock_promo_codes"], sorted(times))
            await self._tx.run(_PROMO_SQL["return_redemptions"], list(times), list(times.values()))


@dataclass(frozen=True, slots=True)
class SlugOwner:
    """Whose link a slug is."""

    tenant_id: str
    link_id: str


class LinkRepository:
    """The payment links of one tenant and mode."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def add(self, link: PaymentLink) -> None:
        """Raises `SlugTakenError`, also when another tenant has the slug."""
        try:
            slug = (link.id, link.slug, self._tx.mode)
            await self._tx.run(_LINK_SQL["insert_payment_slug"], *slug)
            await self._tx.run(_LINK_SQL["insert_payment_link"], *_LINK(link))
        except UniqueViolationError as error:
            if error.constraint not in _SLUG_CONSTRAINTS:
                raise
            raise SlugTakenError from error

    async def get(self, link_id: str) -> PaymentLink:
        return _found_link(await self._tx.row(_LINK_SQL["get_payment_link"], link_id))

    async def lock(self, link_id: str) -> PaymentLink:
        return _found_link(await self._tx.row(_LINK_SQL["lock_payment_link"], link_id))

    async def list_newest(
        self, seek: Seek, *, plan_id: str | None, is_active: bool | None
    ) -> list[PaymentLink]:
        place = (seek.before_at, seek.before_id, seek.since_at)
        rows = await self._tx.rows(
            _LINK_SQL["list_payment_links"], *place, plan_id, is_active, seek.fetch
        )
        return [into(PaymentLink, row) for row in rows]

    async def save(self, link: PaymentLink) -> None:
        """Writes what can change; the row must be locked."""
        await self._tx.run(_LINK_SQL["update_payment_link"], link.id, link.is_active, link.metadata)


async def find_slug(tx: CoreTx, *, mode: Mode, slug: str) -> SlugOwner | None:
    """Whose slug it is in this mode, before there is a tenant to ask for."""
    row = await tx.row(_LINK_SQL["find_payment_slug"], mode, slug)
    return None if row is None else into(SlugOwner, row)


def _found_promo(row: Row | None) -> PromoCode:
    if row is None:
        raise NotFoundError("There is no such promo code.")
    return into(PromoCode, row)


def _found_link(row: Row | None) -> PaymentLink:
    if row is None:
        raise NotFoundError("There is no such payment link.")
    return into(PaymentLink, row)
