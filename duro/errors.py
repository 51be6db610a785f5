"""Expected refusals: what a caller did or met, with the HTTP status and the public code of `docs/errors.md`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Detail:
    """One field that was refused; `path` is dotted, in the caller's spelling."""

    path: str
    issue: str


class DuroError(Exception):
    """Base of every expected refusal; anything else that is raised is a bug and becomes a 500."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"

    def __init__(self, message: str, *, details: Sequence[Detail] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = tuple(details)
        # What HTTP wants to be told beside the body.
        self.headers: Mapping[str, str] = {}


class BadRequestError(DuroError):
    """The request is not what this protocol speaks, for example not JSON."""

    status = 400
    code = "bad_request"


class UnauthorizedError(DuroError):
    """No credential, or one that is not valid."""

    status = 401
    code = "unauthorized"
    challenge: ClassVar[str] = "Bearer"

    def __init__(self, message: str, *, details: Sequence[Detail] = ()) -> None:
        super().__init__(message, details=details)
        self.headers = {"WWW-Authenticate": self.challenge}


class ForbiddenError(DuroError):
    """A known credential that may not do this."""

    status = 403
    code = "forbidden"


class NotFoundError(DuroError):
    """Nothing here by that id; also the answer for another tenant's or mode's id."""

    status = 404
    code = "not_found"


class ConflictError(DuroError):
    """The state of things forbids it: a duplicate, or an illegal transition."""

    status = 409
    code = "conflict"


class PayloadTooLargeError(BadRequestError):
    """The body is over the limit."""

    status = 413


class UnsupportedMediaTypeError(BadRequestError):
    """The body is of another content type than the operation reads."""

    status = 415


class InvalidError(DuroError):
    """Well-formed, but a value is not acceptable; every such field is listed."""

    status = 422
    code = "validation_error"


class RateLimitedError(DuroError):
    """Too many requests for now."""

    status = 429
    code = "rate_limited"

    def __init__(self, message: str, *, retry_s: int = 1) -> None:
        super().__init__(message)
        self.retry_s = retry_s
        self.headers = {"Retry-After": str(retry_s)}


class UnavailableError(DuroError):
    """Something this needs is down; trying again with the same idempotency key is safe."""

    status = 503
    code = "unavailable"


class BusyError(UnavailableError):
    """Others were in the way, and nothing at all was done."""


class GatewayNotConfiguredError(DuroError):
    """Live mode has no gateway account yet."""

    status = 503
    code = "gateway_not_configured"
