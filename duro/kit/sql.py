"""Named statements: reads `sql/queries/<feature>.sql`, so that no Python string ever becomes SQL."""

import re
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Final

from duro.kit.share import share

_MARK: Final = re.compile(r"^-- name: ([a-z_0-9]+)[ \t]*$", re.MULTILINE)
_SCOPE: Final = re.compile(r"^-- scope: (.+?)[ \t]*$", re.MULTILINE)


class Scope(Enum):
    """Whose rows a statement may touch."""

    TENANT = "tenant"  # $1 is the tenant
    ALL_TENANTS = "all tenants"  # scans only
    CORE = "core"  # credentials and tenants themselves
    PEOPLE = "people"  # $1 are the people whose rows they are, whichever tenant asks


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """One statement of `sql/queries`, read once: it is known by itself and not by its text."""

    feature: str
    name: str
    text: str
    scope: Scope


@dataclass(frozen=True, slots=True)
class Queries:
    """The statements of one feature by name."""

    feature: str
    statements: dict[str, Statement]

    def __getitem__(self, name: str) -> Statement:
        return self.statements[name]


@cache
def queries(feature: str) -> Queries:
    """The statements of `sql/queries/<feature>.sql`."""
    source = (share("sql") / "queries" / f"{feature}.sql").read_text(encoding="utf-8")
    pieces = _MARK.split(source)
    statements: dict[str, Statement] = {}
    for name, body in zip(pieces[1::2], pieces[2::2], strict=True):
        if name in statements:
            raise ValueError(f"{feature}.sql names {name} twice")
        scope = _SCOPE.search(body)
        statements[name] = Statement(
            feature=feature,
            name=name,
            text=_strip(body),
            scope=Scope(scope[1]) if scope else Scope.TENANT,
        )
    return Queries(feature, statements)


def _strip(body: str) -> str:
    lines = [line for line in body.splitlines() if not line.lstrip().startswith("--")]
    return "\n".join(lines).strip().removesuffix(";")
