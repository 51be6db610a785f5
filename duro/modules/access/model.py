"""API keys: what is kept, and what is shown once."""

from dataclasses import dataclass
from datetime import datetime

from duro.kit.call import CredentialKind
from duro.kit.modes import Mode


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept; `hint` is its recognisable end."""

    id: str
    mode: Mode
    kind: CredentialKind
    hint: str
    created_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key that was just made: the only time that its token is known."""

    key: ApiKey
    token: str
