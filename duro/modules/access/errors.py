"""Refusals of the token endpoint, as RFC 6749 section 5.2 names them, and of whoever has not signed in."""

from typing import ClassVar

from duro.errors import BadRequestError, UnauthorizedError


class InvalidClientError(UnauthorizedError):
    """No client with this id and secret, or none was named."""

    oauth: ClassVar[str] = "invalid_client"
    challenge = 'Basic realm="Duro", charset="UTF-8"'


class SignInNeededError(UnauthorizedError):
    """No session, or one that is over."""

    challenge = 'Cookie realm="Duro"'


class InvalidRequestError(BadRequestError):
    """A parameter is missing, given twice, or contradicts another."""

    oauth: ClassVar[str] = "invalid_request"


class UnsupportedGrantTypeError(BadRequestError):
    """Another grant than client credentials."""

    oauth: ClassVar[str] = "unsupported_grant_type"


class InvalidScopeError(BadRequestError):
    """Tokens have full scope; a client that asks for less would get more than it wants."""

    oauth: ClassVar[str] = "invalid_scope"
