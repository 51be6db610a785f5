"""`duro members`, and the owner of `duro tenants create`."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from duro.cli.app import app
from tests.support.process import MASTER_KEY

OWNER = "Ada@Bello.example"


@pytest.fixture(autouse=True)
def _installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str, redis_url: str
) -> None:
    for name in [name for name in os.environ if name.startswith("DURO_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DURO_DATABASE_URL", database_url)
    monkeypatch.setenv("DURO_REDIS_URL", redis_url)
    monkeypatch.setenv("DURO_SECURITY__MASTER_KEY", MASTER_KEY)
    answer("tenants", "create", "Bello Foods", "--owner", OWNER)


def call(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def answer(*words: str) -> Any:  # noqa: ANN401 - whatever JSON the command prints
    result = call(*words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def roles() -> dict[str, str]:
    return {row["email"]: row["role"] for row in answer("members", "list")}


def test_a_tenant_is_made_with_its_owner() -> None:
    assert roles() == {"ada@bello.example": "owner"}


def test_a_wrong_address_of_the_owner_makes_no_tenant() -> None:
    refused = call("tenants", "create", "Chidi Cars", "--owner", "chidi")

    assert refused.exit_code == 4
    assert [row["name"] for row in answer("tenants", "list")] == ["Bello Foods"]


def test_members_are_added_changed_and_removed() -> None:
    added = answer(
        *("members", "add", "bola@bello.example"), *("--role", "finance", "--name", "Bola")
    )
    changed = call("members", "change", "bola@bello.example", "--role", "developer")
    during = roles()
    removed = call("members", "remove", "BOLA@bello.example")
    again = call("members", "remove", "bola@bello.example")

    assert added["id"].startswith("mem_")
    assert (added["name"], added["role"]) == ("Bola", "finance")
    assert (changed.exit_code, removed.exit_code, again.exit_code) == (0, 0, 4)
    assert during == {"ada@bello.example": "owner", "bola@bello.example": "developer"}
    assert roles() == {"ada@bello.example": "owner"}


@pytest.mark.parametrize(
    "words",
    [
        ("remove", OWNER),
        ("change", OWNER, "--role", "read_only"),
        ("add", "bola@bello.example", "--role", "owner"),
        ("add", OWNER, "--role", "finance"),
        ("change", "nobody@bello.example", "--role", "admin"),
    ],
)
def test_the_owner_stays_and_stays_the_only_one(words: tuple[str, ...]) -> None:
    assert call("members", *words).exit_code == 4
    assert roles() == {"ada@bello.example": "owner"}


@pytest.mark.parametrize("word", ["list", "add", "change", "remove"])
def test_help_begins_with_an_example(word: str) -> None:
    assert call("members", word, "--help").stdout.startswith(f"Example: duro members {word}")


def test_a_link_is_printed_for_a_member_alone_and_goes_with_signing_out() -> None:
    printed = call("members", "link", OWNER)
    told = answer("members", "link", OWNER)
    stranger = call("members", "link", "nobody@bello.example")
    out = call("members", "sign-out", OWNER)

    url = printed.stdout.strip()
    assert url.startswith("http://127.0.0.1:8081/sign-in/sil_")
    assert told["email"] == OWNER.lower()
    assert told["url"] != url
    assert stranger.exit_code == 4
    assert out.exit_code == 0


def test_a_link_begins_with_the_dashboards_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DURO_CORE__URL", "https://dashboard.bello.example/")

    assert call("members", "link", OWNER).stdout.startswith(
        "https://dashboard.bello.example/sign-in/sil_"
    )
