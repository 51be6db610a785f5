"""What an e-mail address is."""

import re
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

_EMAIL_MAX: Final = 254  # RFC 5321: a path of 256 octets less its angle brackets
_LOCAL_PART_MAX: Final = 64
# What mail systems deliver to in practice: no quotes, no comments, a domain with a dot (RFC 5321 limits).
_EMAIL: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]",
    re.ASCII,
)


def is_email(text: str) -> bool:
    """Whether mail can be addressed to it, as far as its form tells."""
    is_short = len(text) <= _EMAIL_MAX and len(text.partition("@")[0]) <= _LOCAL_PART_MAX
    return is_short and _EMAIL.fullmatch(text) is not None


def _to_email(text: str) -> str:
    if not is_email(text):
        raise PydanticCustomError("email", "Must be an e-mail address such as ada@example.com")
    return text


Email: TypeAlias = Annotated[
    str,
    StringConstraints(max_length=_EMAIL_MAX),
    AfterValidator(_to_email),
    Field(json_schema_extra={"format": "email"}),
]
