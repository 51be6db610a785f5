"""`duro keys` and `duro oauth`: made, shown once, listed, replaced and ended."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from duro.cli.app import app
from tests.support.process import MASTER_KEY


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
    answer("tenants", "create", "Bello Foods")


def call(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def answer(*words: str) -> Any:  # noqa: ANN401 - whatever JSON the command prints
    result = call(*words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_a_key_is_rotated_to_one_of_its_kind_and_mode() -> None:
    old = answer("keys", "create", "--mode", "live", "--kind", "publishable")
    new = answer("keys", "rotate", old["id"])
    again = call("keys", "rotate", old["id"])

    assert new.keys() == old.keys()
    assert new["key"].startswith("pk_live_")
    assert (new["mode"], new["kind"]) == ("live", "publishable")
    assert new["key"] != old["key"]
    assert again.exit_code == 4
    listed = {row["id"]: row for row in answer("keys", "list")}
    assert listed[old["id"]]["revokedAt"] is not None
    assert listed[new["id"]]["revokedAt"] is None
    assert listed[new["id"]]["lastUsedAt"] is None


def test_an_oauth_client_is_made_listed_and_revoked() -> None:
    made = answer("oauth", "create", "Accounting", "--mode", "live")
    listed = answer("oauth", "list")
    revoked = call("oauth", "revoke", made["clientId"])
    again = call("oauth", "revoke", made["id"])

    assert made["clientId"].startswith("cid_live_")
    assert made["clientSecret"].startswith("csec_live_")
    (row,) = listed
    assert (row["id"], row["name"], row["mode"]) == (made["id"], "Accounting", "live")
    assert (row["lastUsedAt"], row["revokedAt"]) == (None, None)
    assert made["clientSecret"] not in json.dumps(listed)
    assert (revoked.exit_code, again.exit_code) == (0, 4)
    assert answer("oauth", "list")[0]["revokedAt"] is not None


@pytest.mark.parametrize("subject", ["at_test_unknown", "oac_unknown"])
def test_what_is_not_there_cannot_be_revoked_and_a_token_is_not_printed(subject: str) -> None:
    result = call("oauth", "revoke", subject)

    assert result.exit_code == 4
    assert "at_test_unknown" not in result.output


def test_a_client_needs_a_name() -> None:
    assert call("oauth", "create", " ").exit_code == 4
    assert call("oauth", "create").exit_code == 2


@pytest.mark.parametrize(
    "words", [["oauth"], ["oauth", "create"], ["oauth", "revoke"], ["keys", "rotate"]]
)
def test_help_begins_with_an_example(words: list[str]) -> None:
    result = call(*words, "--help")

    assert result.stdout.startswith(f"Example: duro {' '.join(words)}")
