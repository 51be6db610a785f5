"""Makes, revokes and checks API keys; checks access tokens."""

from collections import OrderedDict
from datetime import datetime, timedelta
from itertools import product
from typing import Final

from duro.errors import NotFoundError, UnauthorizedError
from duro.kit.call import Credential, CredentialKind
from duro.kit.clock import Clock
from duro.kit.crypto import is_token, new_token, sha256
from duro.kit.db import CoreTx, Database
from duro.kit.ids import new_id
from duro.kit.modes import Mode
from duro.modules.access.model import ApiKey, NewApiKey
from duro.modules.access.repository import ApiKeyRepository, OAuthRepository
from duro.modules.access.uses import KeyUses

_KINDS: Final = {CredentialKind.SECRET: "sk", CredentialKind.PUBLISHABLE: "pk"}
_KEYS: Final = frozenset(f"{short}_{mode.value}_" for short, mode in product(_KINDS.values(), Mode))
_ACCESS_TOKENS: Final = frozenset(f"at_{mode.value}_" for mode in Mode)
_PREFIX_LENGTH: Final = len("sk_test_")
_HINT_LENGTH: Final = 4
# For so long a revoked key may still be honoured by a process that has just looked it up.
_CACHED: Final = timedelta(seconds=1)
_CACHED_MAX: Final = 4096
_INVALID: Final = "The key or access token is not valid."
_NO_SUCH_KEY: Final = "There is no such key, or it is revoked already."


async def create_key(
    tx: CoreTx, *, tenant_id: str, mode: Mode, kind: CredentialKind = CredentialKind.SECRET
) -> NewApiKey:
    """A new key of an existing tenant; its token is in the answer and nowhere else."""
    token = new_token(f"{_KINDS[kind]}_{mode.value}_")
    key = ApiKey(new_id("key", wall=tx.wall), mode, kind, token[-_HINT_LENGTH:], tx.wall)
    await ApiKeyRepository(tx).add(tenant_id, key, digest=sha256(token))
    return NewApiKey(key, token)


async def revoke_key(tx: CoreTx, *, tenant_id: str, key_id: str) -> None:
    """The key opens nothing any more, within a second everywhere."""
    if not await ApiKeyRepository(tx).revoke(tenant_id, key_id):
        raise NotFoundError(_NO_SUCH_KEY)


async def rotate_key(tx: CoreTx, *, tenant_id: str, key_id: str) -> NewApiKey:
    """A new key of the same mode and kind; the old one ends with the same commit."""
    keys = ApiKeyRepository(tx)
    old = await keys.lock(tenant_id, key_id)
    if old is None or not await keys.revoke(tenant_id, key_id):
        raise NotFoundError(_NO_SUCH_KEY)
    return await create_key(tx, tenant_id=tenant_id, mode=old.mode, kind=old.kind)


class Authenticator:
    """Says whose a key or access token is; remembers each answer for a second of wall time."""

    def __init__(self, db: Database, clock: Clock, uses: KeyUses | None = None) -> None:
        self._db = db
        self._clock = clock
        self._uses = uses
        self._known: OrderedDict[bytes, tuple[datetime, Credential | None]] = OrderedDict()

    async def __call__(self, token: str) -> Credential:
        """Raises `UnauthorizedError`; a mistyped key is refused without a look-up."""
        prefix = token[:_PREFIX_LENGTH]
        is_key = prefix in _KEYS
        if not (is_key or prefix in _ACCESS_TOKENS) or not is_token(token, prefix):
            raise UnauthorizedError(_INVALID)
        wall = self._clock.wall()
        credential = await self._find(sha256(token), wall, is_key=is_key)
        if credential is None or (credential.expires_at and credential.expires_at <= wall):
            raise UnauthorizedError(_INVALID)
        if is_key and self._uses is not None:
            self._uses.note(credential, wall)
        return credential

    async def _find(self, digest: bytes, wall: datetime, *, is_key: bool) -> Credential | None:
        known = self._known.get(digest)
        # A clock that was set back must not keep a revoked key alive.
        if known is not None and timedelta(0) <= wall - known[0] < _CACHED:
            return known[1]
        async with self._db.core() as tx:
            place = ApiKeyRepository(tx) if is_key else OAuthRepository(tx)
            found = await place.find_credential(digest)
        self._known[digest] = (wall, found)
        self._known.move_to_end(digest)
        if len(self._known) > _CACHED_MAX:
            self._known.popitem(last=False)
        return found
