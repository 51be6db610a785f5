"""One request under way: who calls, when, and the transactions it may open."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from pydantic import BaseModel

from duro.kit import idempotency
from duro.kit.db import Database, Tx
from duro.kit.idempotency import Answered, Claim, Kept, Keyed
from duro.kit.json import dumps
from duro.kit.modes import Mode
from duro.kit.pagination import ListQuery, Seek, seek
from duro.kit.permissions import EVERYTHING
from duro.kit.tenant import Tenant


class CredentialKind(StrEnum):
    """A secret key may do everything in its tenant and mode, a publishable one next to nothing.

    A session is that of a member in the dashboard, who may do what their role says; keys open nothing there.
    """

    SECRET = "secret"  # noqa: S105 - a kind of key, not a key
    PUBLISHABLE = "publishable"
    SESSION = "session"


# Whom an operation lets in: `credential=` of its registry entry.
SECRET_ONLY: Final = frozenset({CredentialKind.SECRET})
ANY_KEY: Final = frozenset({CredentialKind.SECRET, CredentialKind.PUBLISHABLE})
SESSION_ONLY: Final = frozenset({CredentialKind.SESSION})
# The prefix has browsers refuse it without Secure, with a Domain, or for another path.
SESSION_COOKIE: Final = "__Host-duro_session"
NOBODY_KNOWN: Final[frozenset[CredentialKind]] = frozenset()


@dataclass(frozen=True, slots=True)
class Credential:
    """A key, access token or session that was looked up and is valid.

    `id` is that of the key, of the OAuth client or of the member: whatever shares it shares a limit. An access token is
    of the kind `secret`, because it may do what a secret key may.
    """

    id: str
    kind: CredentialKind
    mode: Mode
    tenant: Tenant
    permissions: frozenset[str] = EVERYTHING
    expires_at: datetime | None = None
    session_id: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """What the handler of a public operation gets: a request without a credential that the edge understands."""

    request_id: str
    wall: datetime
    db: Database
    authorization: str | None


@dataclass(slots=True)
class Call:
    """What a handler gets; `wall` is the machine's time, `now` the tenant's."""

    credential: Credential
    request_id: str
    wall: datetime
    db: Database
    keyed: Keyed | None = None
    lease: datetime | None = None
    edge_tx: Tx | None = None
    status: int = 200
    kept: Kept | None = None

    @property
    def tenant(self) -> Tenant:
        return self.credential.tenant

    @property
    def mode(self) -> Mode:
        return self.credential.mode

    @property
    def tx(self) -> Tx:
        """The transaction that the edge opened and will commit."""
        if self.edge_tx is None:
            raise RuntimeError("this operation opens its own transactions: use begin()")
        return self.edge_tx

    @property
    def now(self) -> datetime:
        """Business time of the edge's transaction."""
        return self.tx.now

    def begin(self) -> AbstractAsyncContextManager[Tx]:
        """A transaction of the caller, for an operation that opens its own."""
        return self.db.begin(self.mode, self.tenant.id)

    async def claim(self, tx: Tx, resource_id: str) -> None:
        """Ties the idempotency key to what `tx` begins: from its commit on, a crash is resumed and not repeated."""
        if self.keyed is not None:
            self.lease = await idempotency.claim(tx, Claim(self.keyed, resource_id))

    def answered(self, tx: Tx, reply: BaseModel) -> Answered | None:
        """The answer to keep with what `tx` records, so that a repeat gets it as soon as that is committed."""
        if self.keyed is None or self.lease is None:
            return None
        kept = Kept(self.status, dumps(reply.model_dump()))
        tx.once_committed(lambda: setattr(self, "kept", kept))
        return Answered(self.keyed, kept, self.lease)

    def seek(self, name: str, query: ListQuery) -> Seek:
        """The place in the list `name` that the query asks for."""
        return seek(query, name=name, mode=self.mode, tenant_id=self.tenant.id)


# Looks up the token of an `Authorization: Bearer` header; raises `UnauthorizedError`.
Authenticate: TypeAlias = Callable[[str], Awaitable[Credential]]
