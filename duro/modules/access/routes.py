"""The token endpoint of OAuth."""

from typing import Final

from duro.kit.call import NOBODY_KNOWN, Visit
from duro.kit.limits import LimitClass
from duro.kit.registry import FORM, JSON, Routes
from duro.modules.access.errors import (
    InvalidClientError,
    InvalidScopeError,
    UnsupportedGrantTypeError,
)
from duro.modules.access.oauth import TOKEN_LIFE, issue_token
from duro.modules.access.schemas import OAUTH_REFUSALS, TokenOut, TokenRequest

routes: Final = Routes(tag="OAuth")


@routes.post(
    "/v1/oauth/token",
    credential=NOBODY_KNOWN,
    limit=LimitClass.AUTH,
    media=(FORM, JSON),
    headers={"Cache-Control": "no-store", "Pragma": "no-cache"},
    refusals=OAUTH_REFUSALS,
    grants="client_credentials",
    errors=(InvalidClientError, InvalidScopeError, UnsupportedGrantTypeError),
    example={
        "grant_type": "client_credentials",
        "client_id": "cid_test_…",
        "client_secret": "csec_test_…",
    },
)
async def create_access_token(visit: Visit, body: TokenRequest) -> TokenOut:
    """Exchange a client's id and secret for an access token."""
    token = await issue_token(visit.db, body, authorization=visit.authorization)
    return TokenOut(
        access_token=token,
        token_type="Bearer",  # noqa: S106 - the name of a type, not a token
        expires_in=int(TOKEN_LIFE.total_seconds()),
    )
