"""The commands that are made from the registry: each operation has one, and speaks as the API does."""

import json
import os
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from duro.cli.app import app
from duro.cli.resources import places
from duro.runtime.console import operations
from tests.support.process import MASTER_KEY

_ELSEWHERE = ("/v1/test-clock", "/v1/oauth", "/v1/recovery/backtest")


@pytest.fixture
def _installed(monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str) -> None:
    for name in [name for name in os.environ if name.startswith("DURO_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DURO_DATABASE_URL", database_url)
    monkeypatch.setenv("DURO_REDIS_URL", redis_url)
    monkeypatch.setenv("DURO_SECURITY__MASTER_KEY", MASTER_KEY)


installed = pytest.mark.usefixtures("tenant", "_installed")


def call(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def answer(*words: str) -> Any:  # noqa: ANN401 - whatever JSON the command prints
    result = call(*words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


async def test_every_operation_has_a_command_of_its_own() -> None:
    found = [entry for entry in await operations() if not entry.path.startswith(_ELSEWHERE)]

    assert sorted(entry.name for entry in places(found).values()) == sorted(
        entry.name for entry in found
    )


@installed
def test_a_subscription_is_made_and_listed_from_the_command_line() -> None:
    words = ("--name", "Gold", "--amount", "500000", "--interval", "month", "--metadata", "a=b")
    plan = answer("plans", "create", *words)
    customer = answer("customers", "create", "--data", '{"email": "ada@example.com"}')
    chosen = ("--customer-id", customer["id"], "--plan-id", plan["id"])

    made = answer("subscriptions", "create", *chosen, "--payment-method-id", "pm_test_ok")

    assert (plan["amount"], plan["metadata"]) == (500_000, {"a": "b"})
    assert made["status"] == "active"
    assert [row["id"] for row in answer("subscriptions", "list")["items"]] == [made["id"]]
    assert answer("plans", "list", "--mode", "live")["items"] == []


@installed
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("plans", "create", "--amount", "-1"), 4, "amount: "),
        (("plans", "create", "--amount", "much"), 2, "is not a JSON value"),
        (("plans", "create", "--data", "{"), 2, "--data is not JSON"),
        (("plans", "get", "plan_nothing"), 4, "nothing here"),
        (("plans", "list", "--limit", "0"), 4, "limit: "),
        (("plans", "list", "--tenant", "ten_nobody"), 4, "no such tenant"),
        (("nonsense",), 2, "No such command"),
    ],
)
def test_a_refusal_says_why_and_exits_with_its_code(
    words: tuple[str, ...], code: int, said: str
) -> None:
    result = call(*words)

    assert (result.exit_code, result.stdout) == (code, "")
    assert said in result.stderr
