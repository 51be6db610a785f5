"""No operation tells a foreign id from one that never was: every operation, every id, made from the registry."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
from pydantic import BaseModel

from duro.kit.clock import SystemClock
from duro.kit.ids import new_id
from duro.kit.modes import Mode
from duro.runtime.console import operations
from tests.support.api import Answer, Client, Server
from tests.support.everything import one_of_everything, some_in_live, with_ids
from tests.support.system import Merchant

_PREFIX_OF: Final = {
    "customerId": "cus",
    "planId": "plan",
    "subscriptionId": "sub",
    "invoiceId": "inv",
    "paymentMethodId": "pm",
    "paymentLinkId": "lnk",
    "promoCodeId": "prm",
}


@dataclass(frozen=True)
class Case:
    """One request with one id in it that is not the caller's own."""

    method: str
    path: str
    query: str
    body: Any

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}{self.query} {self.body or ''}"


async def test_a_foreign_id_is_as_unknown_as_a_random_one(
    merchant: Merchant, tenant_b: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Server(merchant.client.base, merchant.client.session, merchant.app.ground.db)
    own = await one_of_everything(merchant)
    other_client = await server.client(tenant_b, Mode.TEST)
    other = await one_of_everything(Merchant(merchant.app, other_client, tenant_b))
    live = await some_in_live(await server.client(merchant.tenant_id, Mode.LIVE))
    wrong: list[str] = []
    tried = 0

    for foreign in (other, live):
        for prefix, stranger in foreign.items():
            random = new_id(prefix, wall=SystemClock().wall())
            for case, twin in zip(
                _cases(await operations(), own, prefix, stranger),
                _cases(await operations(), own, prefix, random),
                strict=True,
            ):
                tried += 1
                found = await _send(merchant.client, case)
                expected = await _send(merchant.client, twin)
                if not _alike(found, expected, stranger, random):
                    wrong.append(f"{case.name}: {found.status} {found.body[:200]!r}")

    with capsys.disabled():
        sys.stdout.write(f"\nforeign ids: {tried} requests, each with its random twin\n")
    assert wrong == []
    assert tried > 80


async def test_nothing_is_answered_without_a_good_credential(
    merchant: Merchant, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Server(merchant.client.base, merchant.client.session, merchant.app.ground.db)
    good = merchant.client.token or ""
    strangers = {
        None: 401,
        "": 401,
        "nonsense": 401,
        good[:-1] + ("a" if good[-1] != "a" else "b"): 401,
        good.replace("sk_test", "sk_live"): 401,
    }
    wrong: list[str] = []
    tried = 0
    guarded = [entry for entry in await operations() if not entry.is_public]

    for entry in guarded:
        path = re.sub(r"\{\w+\}", "x", entry.path)
        for token, status in strangers.items():
            tried += 1
            answer = await server.stranger(token).send(entry.method, path)
            if (answer.status, answer.code) != (status, "unauthorized"):
                wrong.append(f"{entry.name} with {token}: {answer.status}")

    with capsys.disabled():
        sys.stdout.write(f"\ncredentials: {tried} requests over {len(guarded)} operations\n")
    assert wrong == []


def _cases(entries: list[Any], own: dict[str, str], prefix: str, foreign: str) -> Iterator[Case]:
    for entry in entries:
        if entry.is_public:
            continue
        body = with_ids(dict(entry.options.get("example", {})), own) if entry.body else None
        path = entry.path.replace("{id}", own.get(entry.options.get("id_prefix", ""), "x"))
        path = path.replace("{merchantRef}", "ada-1")
        if entry.options.get("id_prefix") == prefix:
            yield Case(entry.method, entry.path.replace("{id}", foreign), "", body)
        for name in _id_fields(entry.body, prefix):
            yield Case(entry.method, path, "", {**(body or {}), name: foreign})
        for name in _id_fields(entry.query, prefix):
            yield Case(entry.method, path, f"?{name}={foreign}", None)


def _id_fields(model: type[BaseModel] | None, prefix: str) -> list[str]:
    if model is None:
        return []
    names = [info.alias or name for name, info in model.model_fields.items()]
    return [name for name in names if _PREFIX_OF.get(name) == prefix]


async def _send(client: Client, case: Case) -> Answer:
    if case.body is None:
        return await client.send(case.method, case.path + case.query)
    if case.method == "PATCH":
        return await client.patch(case.path, case.body)
    return await client.post(case.path, case.body)


def _alike(found: Answer, expected: Answer, stranger: str, random: str) -> bool:
    """The same status and words; a list narrowed to an id of nobody's is an empty one."""
    if found.status != expected.status or found.status not in (200, 404, 422):
        return False
    if found.status == 200:
        return found.json.get("items") == [] and expected.json.get("items") == []
    told = found.error["message"].replace(stranger, random)
    return told == expected.error["message"] and found.paths == expected.paths
