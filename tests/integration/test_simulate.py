"""`duro simulate`: what it prints, from which cases, and with which exit code."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from duro.cli.app import app
from tests.support.process import MASTER_KEY

SMALL = ("--customers", "25", "--months", "3")


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("DURO_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def call(*words: str) -> Result:
    return CliRunner().invoke(app, ["simulate", *words])


def answer(*words: str) -> Any:  # noqa: ANN401 - whatever JSON the command prints
    result = call(*words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_help_begins_with_an_example() -> None:
    result = call("--help")

    assert result.exit_code == 0
    assert result.stdout.startswith("Example: duro simulate ")


def test_a_table_and_a_chart_are_printed_without_any_database() -> None:
    result = call(*SMALL)

    assert result.exit_code == 0, result.stderr
    assert result.stderr == "25 made customers, 3 months, seed 1.\n"
    lines = result.stdout.splitlines()
    assert [line.split("  ")[0] for line in lines[1:5]] == [
        *("a: fixed", "b: learnt", "optimum", "b less a"),
    ]
    assert "2026-01" in lines
    bar = next(line for line in lines if line.startswith("optimum    #"))
    assert len(bar.split()[1]) == 40


def test_json_is_what_the_api_answers_and_one_seed_is_one_answer() -> None:
    one, again = answer(*SMALL, "--seed", "9"), answer(*SMALL, "--seed", "9")

    assert one == again != answer(*SMALL, "--seed", "10")
    assert (one["source"], one["seed"], one["a"]["strategy"]) == ("population", 9, "fixed")
    assert one["difference"]["recovered"] == one["b"]["recovered"] - one["a"]["recovered"]


def test_a_strategy_against_itself_differs_by_nothing() -> None:
    found = answer(*SMALL, "--a", "documented", "--b", "documented")

    assert set(found["difference"].values()) == {0}


def test_settings_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "once.json").write_text('{"maxAttempts": 1}')

    found = answer(*SMALL, "--a", "documented", "--b", "once.json")

    assert found["b"]["strategy"] == "settings"
    assert found["b"]["attempts"] < found["a"]["attempts"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--b", "best"), 2, "best is no strategy"),
        (("--a", "current"), 2, "--tenant"),
        (("--b", "wrong.json"), 2, "maxAttempts"),
        (("--b", "senseless.json"), 4, "b.maxAttempts"),
        (("--customers", "0"), 2, "customers"),
        (("--tenant", "ten_x"), 3, "duro dev"),
    ],
)
def test_what_cannot_be_run_is_said_with_its_exit_code(
    tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    (tmp_path / "wrong.json").write_text('{"maxAttempts": 0}')
    (tmp_path / "senseless.json").write_text('{"maxAttempts": 9}')

    result = call(*words)

    assert result.exit_code == code
    assert said in result.stderr
    assert result.stdout == ""


def test_a_tenant_without_failed_renewals_has_nothing_to_compare(
    monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str, tenant: str
) -> None:
    monkeypatch.setenv("DURO_DATABASE_URL", database_url)
    monkeypatch.setenv("DURO_REDIS_URL", redis_url)
    monkeypatch.setenv("DURO_SECURITY__MASTER_KEY", MASTER_KEY)

    found = answer("--tenant", tenant, "--a", "current", "--b", "fixed")

    assert (found["source"], found["cases"], found["optimum"]) == ("invoices", 0, None)
