"""API keys, OAuth clients and sessions: what is kept, and what is shown once."""

from dataclasses import dataclass
from datetime import datetime

from duro.kit.call import Credential, CredentialKind
from duro.kit.modes import Mode


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept; `hint` is its recognisable end."""

    id: str
    mode: Mode
    kind: CredentialKind
    hint: str
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key that was just made: the only time that its token is known."""

    key: ApiKey
    token: str


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """A program that exchanges `client_id` and a secret for access tokens."""

    id: str
    mode: Mode
    name: str
    client_id: str
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewOAuthClient:
    """A client that was just made: the only time that its secret is known."""

    client: OAuthClient
    secret: str


@dataclass(frozen=True, slots=True)
class KnownClient:
    """A valid client as it is looked up by its public half."""

    tenant_id: str
    id: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Session:
    """A member's stay in the dashboard: over when nobody uses it for a while, and at `expires_at` in any case."""

    id: str
    user_agent: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that was just begun: the only time that its token is known."""

    session: Session
    token: str


@dataclass(frozen=True, slots=True)
class UsedSession:
    """A session that is going on: whose it is, and when it was last used as far as is written down."""

    credential: Credential
    last_used_at: datetime
