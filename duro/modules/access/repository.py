"""The only reader and writer of `api_keys`, `oauth_clients` and `oauth_tokens`, `sign_in_links` and `sessions`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from duro.kit.call import Credential, CredentialKind
from duro.kit.db import CoreTx, Row
from duro.kit.modes import Mode
from duro.kit.pagination import Seek
from duro.kit.rows import into
from duro.kit.sql import queries
from duro.kit.tenant import Tenant
from duro.modules.access.model import ApiKey, KnownClient, OAuthClient, Session, UsedSession
from duro.modules.members.model import PERMISSIONS, Role

_SQL: Final = queries("access")
_LISTED_MAX: Final = 1000
# More than one, so that the dead go faster than the new come.
_FORGOTTEN_AT_ONCE: Final = 10


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

    async def lock(self, tenant_id: str, key_id: str) -> ApiKey | None:
        row = await self._tx.row(_SQL["lock_api_key"], tenant_id, key_id)
        return None if row is None else into(ApiKey, row)

    async def note_uses(self, uses: Mapping[tuple[str, str], datetime]) -> None:
        """When each key, by tenant and id, was last used."""
        tenants = [tenant_id for tenant_id, _ in uses]
        ids = [key_id for _, key_id in uses]
        await self._tx.run(_SQL["note_uses"], tenants, ids, list(uses.values()))

    async def list_newest(self, tenant_id: str) -> list[ApiKey]:
        """Revoked ones too; at most a thousand."""
        rows = await self._tx.rows(_SQL["list_api_keys"], tenant_id, _LISTED_MAX)
        return [into(ApiKey, row) for row in rows]

    async def find_credential(self, digest: bytes) -> Credential | None:
        """The valid key with this digest, and whose it is."""
        row = await self._tx.row(_SQL["find_credential"], digest)
        if row is None:
            return None
        return Credential(
            id=row["id"],
            kind=CredentialKind(row["kind"]),
            mode=Mode(row["mode"]),
            tenant=_tenant(row),
        )


class OAuthRepository:
    """The OAuth clients of every tenant, and their access tokens."""

    def __init__(self, tx: CoreTx) -> None:
        self._tx = tx

    async def add_client(self, tenant_id: str, client: OAuthClient, *, digest: bytes) -> None:
        args = (client.id, client.mode, client.name, client.client_id, digest, client.created_at)
        await self._tx.run(_SQL["insert_oauth_client"], tenant_id, *args)

    async def revoke_client(self, tenant_id: str, client_id: str) -> bool:
        """By id or public half; False when the tenant has no such client, or it is revoked already."""
        args = (tenant_id, client_id, self._tx.wall)
        return bool(await self._tx.run(_SQL["revoke_oauth_client"], *args))

    async def list_clients(self, tenant_id: str) -> list[OAuthClient]:
        """Newest first, revoked ones too; at most a thousand."""
        rows = await self._tx.rows(_SQL["list_oauth_clients"], tenant_id, _LISTED_MAX)
        return [into(OAuthClient, row) for row in rows]

    async def find_client(self, client_id: str) -> KnownClient | None:
        row = await self._tx.row(_SQL["find_oauth_client"], client_id)
        return None if row is None else into(KnownClient, row)

    async def add_token(
        self, client: KnownClient, token_id: str, *, digest: bytes, expires_at: datetime
    ) -> None:
        """Takes a few expired tokens away at the same time."""
        wall = self._tx.wall
        args = (client.tenant_id, token_id, client.id, digest, wall, expires_at)
        await self._tx.run(_SQL["insert_oauth_token"], *args)
        await self._tx.run(_SQL["note_use_of_client"], client.tenant_id, client.id, wall)
        await self._tx.run(_SQL["forget_expired_tokens"], wall, _FORGOTTEN_AT_ONCE)

    async def revoke_token(self, tenant_id: str, digest: bytes) -> bool:
        return bool(await self._tx.run(_SQL["revoke_oauth_token"], tenant_id, digest))

    async def find_credential(self, digest: bytes) -> Credential | None:
        """The valid access token with this digest, and whose it is."""
        row = await self._tx.row(_SQL["find_access_token"], digest, self._tx.wall)
        if row is None:
            return None
        return Credential(
            id=row["id"],
            kind=CredentialKind.SECRET,
            mode=Mode(row["mode"]),
            tenant=_tenant(row),
            expires_at=row["expires_at"],
        )


class SignInRepository:
    """The links by which members sign in once; one is looked up before its tenant is known."""

    def __init__(self, tx: CoreTx) -> None:
        self._tx = tx

    async def add(
        self, tenant_id: str, member_id: str, link_id: str, *, digest: bytes, expires_at: datetime
    ) -> None:
        """Takes a few expired ones away at the same time."""
        wall = self._tx.wall
        args = (tenant_id, link_id, member_id, digest, wall, expires_at)
        await self._tx.run(_SQL["insert_sign_in_link"], *args)
        await self._tx.run(_SQL["forget_expired_links"], wall, _FORGOTTEN_AT_ONCE)

    async def use(self, digest: bytes) -> tuple[str, str] | None:
        """Tenant and member of a valid link, which is gone with it; of many who ask at once one gets them."""
        row = await self._tx.row(_SQL["use_sign_in_link"], digest, self._tx.wall)
        return None if row is None else (row["tenant_id"], row["member_id"])

    async def forget(self, tenant_id: str, member_id: str) -> None:
        """No link of the member works any more."""
        await self._tx.run(_SQL["forget_links_of_member"], tenant_id, member_id)


class SessionRepository:
    """The sessions of all members; one is looked up before its tenant is known."""

    def __init__(self, tx: CoreTx) -> None:
        self._tx = tx

    async def add(self, tenant_id: str, member_id: str, session: Session, *, digest: bytes) -> None:
        """Takes a few that are over away at the same time."""
        of = (session.user_agent, session.created_at, session.expires_at)
        await self._tx.run(_SQL["insert_session"], tenant_id, session.id, member_id, digest, *of)
        await self._tx.run(_SQL["forget_expired_sessions"], self._tx.wall, _FORGOTTEN_AT_ONCE)

    async def find(self, digest: bytes, *, mode: Mode, used_since: datetime) -> UsedSession | None:
        """The session with this digest if it is going on, with what its member may do at this moment."""
        row = await self._tx.row(_SQL["find_session"], digest, self._tx.wall, used_since)
        if row is None:
            return None
        credential = Credential(
            id=row["member_id"],
            kind=CredentialKind.SESSION,
            mode=mode,
            tenant=_tenant(row),
            permissions=PERMISSIONS[Role(row["role"])],
            expires_at=row["expires_at"],
            session_id=row["id"],
        )
        return UsedSession(credential, row["last_used_at"])

    async def note_use(self, tenant_id: str, session_id: str) -> None:
        await self._tx.run(_SQL["note_use_of_session"], tenant_id, session_id, self._tx.wall)

    async def page(
        self, tenant_id: str, member_id: str, place: Seek, *, used_since: datetime
    ) -> list[Session]:
        """A member's sessions that are going on, newest first."""
        at = (place.before_at, place.before_id, place.since_at, place.fetch)
        rows = await self._tx.rows(
            _SQL["list_sessions"], tenant_id, member_id, self._tx.wall, used_since, *at
        )
        return [into(Session, row) for row in rows]

    async def revoke(self, tenant_id: str, member_id: str, session_id: str) -> Session | None:
        """None where the member has no such session, or it is revoked already."""
        args = (tenant_id, member_id, session_id, self._tx.wall)
        row = await self._tx.row(_SQL["revoke_session"], *args)
        return None if row is None else into(Session, row)

    async def revoke_all(self, tenant_id: str, member_id: str) -> int:
        """How many sessions of the member were not revoked yet."""
        args = (tenant_id, member_id, self._tx.wall)
        return await self._tx.run(_SQL["revoke_sessions"], *args)


def _tenant(row: Row) -> Tenant:
    return Tenant(row["tenant_id"], row["name"], ZoneInfo(row["time_zone"]), row["currency"])
