"""The only reader and writer of `api_keys`."""

from typing import Final
from zoneinfo import ZoneInfo

from duro.kit.call import Credential, CredentialKind
from duro.kit.db import CoreTx
from duro.kit.modes import Mode
from duro.kit.rows import into
from duro.kit.sql import queries
from duro.kit.tenant import Tenant
from duro.modules.access.model import ApiKey

_SQL: Final = queries("access")
_LISTED_MAX: Final = 1000


class ApiKeyRepository:
    """The API keys of every tenant: a key is looked up before its tenant is known."""

    def __init__(self, tx: CoreTx) -> None:
        self._tx = tx

    async def add(self, tenant_id: str, key: ApiKey, *, digest: bytes) -> None:
        args = (tenant_id, key.id, key.mode, key.kind, digest, key.hint, key.created_at)
        await self._tx.run(_SQL["insert_api_key"], *args)

    async def revoke(self, tenant_id: str, key_id: str) -> bool:
        """False when the tenant has no such key, or it is revoked already."""
        return bool(await self._tx.run(_SQL["revoke_api_key"], tenant_id, key_id, self._tx.wall))

    async def list_newest(self, tenant_id: str) -> list[ApiKey]:
        """Revoked ones too; at most a thousand."""
        rows = await self._tx.rows(_SQL["list_api_keys"], tenant_id, _LISTED_MAX)
        return [into(ApiKey, row) for row in rows]

    async def find_credential(self, digest: bytes) -> Credential | None:
        """The valid key with this digest, and whose it is."""
        row = await self._tx.row(_SQL["find_credential"], digest)
        if row is None:
            return None
        zone = ZoneInfo(row["time_zone"])
        return Credential(
            id=row["id"],
            kind=CredentialKind(row["kind"]),
            mode=Mode(row["mode"]),
            tenant=Tenant(row["tenant_id"], row["name"], zone, row["currency"]),
        )
