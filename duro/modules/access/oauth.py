"""OAuth clients, and access tokens for those who prove to be one (RFC 6749 section 4.4)."""

import base64
import hmac
from datetime import timedelta
from typing import Final
from urllib.parse import unquote_plus

from duro.errors import NotFoundError
from duro.kit.crypto import is_token, new_token, sha256
from duro.kit.db import CoreTx, Database
from duro.kit.ids import new_id
from duro.kit.modes import Mode
from duro.kit.schema import refuse
from duro.modules.access.errors import (
    InvalidClientError,
    InvalidRequestError,
    InvalidScopeError,
    UnsupportedGrantTypeError,
)
from duro.modules.access.model import NewOAuthClient, OAuthClient
from duro.modules.access.repository import OAuthRepository
from duro.modules.access.schemas import TokenRequest

TOKEN_LIFE: Final = timedelta(minutes=60)
_GRANT: Final = "client_credentials"
_FULL_SCOPE: Final = "*"
_NAME_MAX: Final = 200
_WRONG: Final = "There is no client with this id and secret."


async def create_client(tx: CoreTx, *, tenant_id: str, mode: Mode, name: str) -> NewOAuthClient:
    """A new client of an existing tenant; its secret is in the answer and nowhere else."""
    if not name.strip() or len(name) > _NAME_MAX:
        raise refuse("name", f"Must have 1 to {_NAME_MAX} characters, not all blank.")
    secret = new_token(f"csec_{mode.value}_")
    client = OAuthClient(
        id=new_id("oac", wall=tx.wall),
        mode=mode,
        name=name,
        client_id=new_token(f"cid_{mode.value}_"),
        created_at=tx.wall,
    )
    await OAuthRepository(tx).add_client(tenant_id, client, digest=sha256(secret))
    return NewOAuthClient(client, secret)


async def revoke_client(tx: CoreTx, *, tenant_id: str, client_id: str) -> None:
    """By id or public half: it gets no token any more, and those it has open nothing, within a second everywhere."""
    if not await OAuthRepository(tx).revoke_client(tenant_id, client_id):
        raise NotFoundError("There is no such client, or it is revoked already.")


async def revoke_token(tx: CoreTx, *, tenant_id: str, token: str) -> None:
    """One access token opens nothing any more, within a second everywhere."""
    if not await OAuthRepository(tx).revoke_token(tenant_id, sha256(token)):
        raise NotFoundError("There is no such access token, or it has expired.")


async def issue_token(db: Database, asked: TokenRequest, *, authorization: str | None) -> str:
    """A new access token for the client that the request proves to be; raises the refusals of this feature."""
    if asked.grant_type != _GRANT:
        raise UnsupportedGrantTypeError(f"grant_type must be {_GRANT}.")
    if asked.scope not in (None, _FULL_SCOPE):
        raise InvalidScopeError("Tokens have full scope; leave scope out.")
    client_id, secret = _proof(asked, authorization)
    mode = _mode(client_id, secret)
    async with db.core() as tx:
        clients = OAuthRepository(tx)
        client = await clients.find_client(client_id)
        if client is None or not hmac.compare_digest(client.digest, sha256(secret)):
            raise InvalidClientError(_WRONG)
        token = new_token(f"at_{mode.value}_")
        await clients.add_token(
            client,
            new_id("oat", wall=tx.wall),
            digest=sha256(token),
            expires_at=tx.wall + TOKEN_LIFE,
        )
    return token


def _proof(asked: TokenRequest, authorization: str | None) -> tuple[str, str]:
    """Client id and secret, from the one place where they are given (RFC 6749 section 2.3.1)."""
    if authorization is None:
        if asked.client_id is None or asked.client_secret is None:
            raise InvalidClientError("Send client_id and client_secret, or both as HTTP Basic.")
        return asked.client_id, asked.client_secret
    client_id, secret = _read_basic(authorization)
    if asked.client_secret is not None or asked.client_id not in (None, client_id):
        raise InvalidRequestError("Authenticate in one way: by the header or in the body.")
    return client_id, secret


def _read_basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    try:
        pair = base64.b64decode(encoded.strip(), validate=True).decode()
    except ValueError:
        pair = ""
    client_id, colon, secret = pair.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise InvalidClientError("The Authorization header is not HTTP Basic.")
    return unquote_plus(client_id), unquote_plus(secret)


def _mode(client_id: str, secret: str) -> Mode:
    """Of both halves; what is mistyped is refused without a look-up."""
    for mode in Mode:
        if is_token(client_id, f"cid_{mode.value}_") and is_token(secret, f"csec_{mode.value}_"):
            return mode
    raise InvalidClientError(_WRONG)
