"""How the secrets of endpoints are sealed: each opens only for its own tenant, mode and endpoint."""

from typing import Protocol

from duro.kit.envelope import Envelope
from duro.kit.modes import Mode


class Place(Protocol):
    """Whose secrets: a transaction or a scope of work."""

    @property
    def tenant_id(self) -> str: ...
    @property
    def mode(self) -> Mode: ...


def seal_secret(envelope: Envelope, place: Place, endpoint_id: str, text: str) -> bytes:
    return envelope.seal(text.encode(), _context(place, endpoint_id))


def open_secrets(
    envelope: Envelope, place: Place, endpoint_id: str, sealed: tuple[bytes, bytes | None]
) -> list[str]:
    """The secret, and during a rotation the old one after it. Raises `SealBrokenError`."""
    context = _context(place, endpoint_id)
    return [envelope.open(each, context).decode() for each in sealed if each is not None]


def _context(place: Place, endpoint_id: str) -> str:
    return f"webhook secret of {place.mode} {place.tenant_id} {endpoint_id}"
