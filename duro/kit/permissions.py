"""Owns the guard that stands before every operation: who may do it."""

from collections.abc import Set as AbstractSet
from typing import Final

from duro.errors import ForbiddenError

# Held by keys and access tokens: whatever there is in their tenant and mode.
EVERYTHING: Final = frozenset({"*"})


def demand_permission(held: AbstractSet[str], needed: str) -> None:
    """Raises `ForbiddenError` unless `needed`, or everything, is held."""
    if needed not in held and not held >= EVERYTHING:
        raise ForbiddenError(f"This needs the permission {needed}.")
