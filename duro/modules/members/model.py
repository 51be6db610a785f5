"""Members, their roles, and what each role may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    """From most to least; a tenant has at most one owner, and keeps it."""

    OWNER = "owner"
    ADMIN = "admin"
    DEVELOPER = "developer"
    FINANCE = "finance"
    READ_ONLY = "read_only"


_READING: Final = frozenset({"read"})
_BILLING: Final = _READING | {"plan:write", "customer:write", "subscription:write", "invoice:write"}
_DEVELOPING: Final = _BILLING | {"apikey:manage", "webhook:manage", "appearance:manage"}
_ALL_BUT_THE_TENANT: Final = _DEVELOPING | {"refund:write", "member:manage"}

PERMISSIONS: Final[Mapping[Role, frozenset[str]]] = MappingProxyType(
    {
        Role.OWNER: _ALL_BUT_THE_TENANT | {"tenant:manage"},
        Role.ADMIN: _ALL_BUT_THE_TENANT,
        Role.DEVELOPER: _DEVELOPING,
        Role.FINANCE: _BILLING | {"refund:write"},
        Role.READ_ONLY: _READING,
    }
)


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of a tenant's team; the address is in lower case."""

    id: str
    email: str
    name: str | None
    role: Role
    created_at: datetime
