"""Makes tenants."""

from typing import Final
from zoneinfo import ZoneInfo

from duro.kit.db import CoreTx
from duro.kit.ids import new_id
from duro.kit.tenant import Tenant
from duro.modules.tenants.repository import TenantRepository

DEFAULT_ZONE: Final = ZoneInfo("Africa/Lagos")
DEFAULT_CURRENCY: Final = "NGN"


async def create_tenant(
    tx: CoreTx, *, name: str, zone: ZoneInfo = DEFAULT_ZONE, currency: str = DEFAULT_CURRENCY
) -> Tenant:
    """A new tenant; it has no key yet."""
    tenant = Tenant(new_id("ten", wall=tx.wall), name, zone, currency)
    await TenantRepository(tx).add(tenant)
    return tenant
