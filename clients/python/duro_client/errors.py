"""What can go wrong between a program and Duro."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Detail:
    """One field that was refused."""

    path: str
    issue: str


class DuroConnectionError(Exception):
    """No answer came, also after trying again; a change may or may not have happened.

    Sending it again with the same idempotency key is safe.
    """


class DuroApiError(Exception):
    """Duro refused; `code` is one of its documented codes."""

    def __init__(
        self,
        *,
        status: int,
        code: str,
        message: str,
        details: Sequence[Detail] = (),
        request_id: str | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = tuple(details)
        self.request_id = request_id
