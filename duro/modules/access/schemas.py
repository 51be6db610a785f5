"""Bodies of the token endpoint: OAuth's own names and its own form of refusals (RFC 6749)."""

from typing import Any, Final

from pydantic import ConfigDict, Field, model_validator

from duro.errors import DuroError
from duro.kit.registry import Refusals
from duro.kit.schema import Body, Out

# What a description may be made of (RFC 6749 section 5.2).
_UNSPEAKABLE: Final = str.maketrans({'"': "'", "\\": "/"})
_SERVER_FAILS_FROM: Final = 500
_INVALID: Final = 422
_TOO_MANY: Final = 429
_UNAVAILABLE: Final = 503


class TokenRequest(Body):
    """What a client asks with; unknown parameters are ignored and empty ones are absent, as OAuth demands."""

    model_config = ConfigDict(alias_generator=None, extra="ignore")

    grant_type: str = Field(description="`client_credentials`.", examples=["client_credentials"])
    client_id: str | None = Field(
        default=None, description="`cid_…`; here or, with the secret, as HTTP Basic."
    )
    client_secret: str | None = Field(default=None, description="`csec_…`.")
    scope: str | None = Field(default=None, description="Leave it out: tokens have full scope.")

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, given: Any) -> Any:  # noqa: ANN401 - whatever the body holds
        if isinstance(given, dict):
            return {name: value for name, value in given.items() if value != ""}
        return given


class TokenOut(Out):
    """An access token; it is shown this once."""

    model_config = ConfigDict(alias_generator=None)

    access_token: str
    token_type: str
    expires_in: int = Field(description="Seconds.")


class OAuthErrorOut(Out):
    """A refusal as OAuth clients understand it."""

    model_config = ConfigDict(alias_generator=None)

    error: str
    error_description: str


def _status(kind: type[DuroError]) -> int:
    return 400 if kind.status == _INVALID else kind.status


def _code(kind: type[DuroError]) -> str:
    if kind.status in (_TOO_MANY, _UNAVAILABLE):
        return "temporarily_unavailable"
    if kind.status >= _SERVER_FAILS_FROM:
        return "server_error"
    said: str = getattr(kind, "oauth", "invalid_request")
    return said


def _show(error: DuroError) -> OAuthErrorOut:
    details = " ".join(f"{detail.path}: {detail.issue}" for detail in error.details)
    text = (details or error.message).encode("ascii", "replace").decode()
    spoken = "".join(letter if " " <= letter <= "~" else "?" for letter in text)
    return OAuthErrorOut(error=_code(type(error)), error_description=spoken.translate(_UNSPEAKABLE))


OAUTH_REFUSALS: Final = Refusals(model=OAuthErrorOut, status=_status, code=_code, show=_show)
