"""The checker of invariants can be trusted: green after a story, and red for each row that is altered by hand."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from itertools import filterfalse
from typing import Any, Final, TypeVar

import pytest
from typer.testing import CliRunner

from duro.cli.app import app
from duro.kit.clock import FixedClock
from duro.kit.db import Tx
from duro.kit.metrics import REGISTRY
from duro.kit.modes import Mode
from duro.runtime.invariants import INVARIANTS, Violation, holding, violations
from duro.runtime.pools import open_database
from duro.runtime.watching import Watch
from tests.support.cluster import Cluster
from tests.support.roles import Connection, app_role, connected, connected_as
from tests.support.sabotage import SABOTAGES, Sabotage
from tests.support.told import Told, tell

T = TypeVar("T")

_NOW: Final = datetime(2027, 2, 6, tzinfo=UTC)
_SIMULATED_IN_LIVE: Final = """
    INSERT INTO payment_methods (tenant_id, id, customer_id, rail, token, fingerprint, is_default, created_at)
    SELECT tenant_id, 'pm_x', id, 'card', 'sim_ok_x', 'x', false, created_at FROM customers
"""
_CUSTOMER_IN_LIVE: Final = """
    INSERT INTO customers (tenant_id, id, metadata, created_at) VALUES ($1, 'cus_x', '{}', '2027-01-01Z')
"""


@pytest.fixture(scope="module")
def told(cluster: Cluster) -> Iterator[Told]:
    """One story for all tests here: what they alter is taken back."""
    database_url = cluster.new_database()
    yield beside(lambda: tell(database_url))
    cluster.drop_database(database_url)


async def test_nothing_is_broken_after_a_story(told: Told) -> None:
    async with sabotaged(told, ()) as connection:
        assert await found(connection, told) == []


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=str)
async def test_a_row_altered_by_hand_turns_exactly_its_invariant_red(
    told: Told, sabotage: Sabotage
) -> None:
    async with sabotaged(told, sabotage.commands) as connection:
        broken = await found(connection, told)

    assert {each.invariant for each in broken} == {sabotage.invariant}, broken
    assert named(told, sabotage.row_id) in {each.row_id for each in broken}
    assert {(each.tenant_id, each.mode) for each in broken} == {(told.tenant_id, Mode.TEST)}


def test_every_invariant_has_a_deed_that_breaks_it() -> None:
    broken = {sabotage.invariant for sabotage in SABOTAGES}

    assert {invariant.name for invariant in INVARIANTS} == broken


async def test_a_simulated_card_in_live_mode_is_found(told: Told) -> None:
    async with sabotaged(told, (), Mode.LIVE) as connection:
        assert await found(connection, told, Mode.LIVE) == []
        await connection.execute(_CUSTOMER_IN_LIVE, told.tenant_id)
        await connection.execute(_SIMULATED_IN_LIVE)

        (broken,) = await found(connection, told, Mode.LIVE)

    assert (broken.invariant, broken.row_id) == ("test_and_live_never_mix", "pm_x")


def test_doctor_is_green_and_counts(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DURO_DATABASE_URL", told.database_url)

    result = CliRunner().invoke(app, ["doctor", "--invariants"])
    counts = json.loads(CliRunner().invoke(app, ["doctor", "--invariants", "--json"]).stdout)

    assert (result.exit_code, result.stdout) == (0, "")
    assert "nothing broken" in result.stderr
    checks = sum(len(holding(mode)) for mode in Mode)
    assert counts == {"tenants": 1, "checks": checks, "violations": [], "unchecked": []}


def test_doctor_is_red_with_invariant_tenant_and_row(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DURO_DATABASE_URL", told.database_url)
    words = ["doctor", "--invariants", "--tenant", told.tenant_id]

    with altered(told):
        result = CliRunner().invoke(app, words)
        told_so = CliRunner().invoke(app, [*words, "--json"])

    assert (result.exit_code, told_so.exit_code) == (1, 1)
    (line,) = result.stdout.splitlines()[1:]
    assert line.split()[:4] == ["redemptions_are_counted", told.tenant_id, "test", "prm_a"]
    assert json.loads(told_so.stdout)["violations"] == [
        {
            "invariant": "redemptions_are_counted",
            "tenant": told.tenant_id,
            "mode": "test",
            "row": "prm_a",
            "finding": "says that 1 have it, 0 do",
        }
    ]


def test_the_worker_counts_what_is_broken_until_it_is_mended(told: Told) -> None:
    async def turn(watch: Watch, number: int) -> float:
        await watch.turn(number)
        found = REGISTRY.get_sample_value(
            "duro_invariant_violations", {"invariant": "redemptions_are_counted"}
        )
        assert found is not None
        return found

    async def watched() -> tuple[float, float]:
        db = await open_database(told.database_url, clock=FixedClock(_NOW))
        try:
            watch = Watch(db)
            await alter(told, 1)
            broken = await turn(watch, 7)
            await alter(told, 0)
            return broken, await turn(watch, 8)
        finally:
            await db.close()

    assert beside(watched) == (1, 0)


def test_the_worker_looks_by_itself_and_outlives_a_database_that_is_away(told: Told) -> None:
    async def watched() -> float | None:
        db = await open_database(told.database_url, clock=FixedClock(_NOW))
        away = await open_database(told.database_url, clock=FixedClock(_NOW))
        await away.close()
        before = counted()
        watch, lost = Watch(db, every_s=0.02), Watch(away, every_s=0.02)
        try:
            lost.start()
            watch.start()
            async with asyncio.timeout(10):
                while counted() < before + 2 * sum(len(holding(mode)) for mode in Mode):
                    await asyncio.sleep(0.02)
            return counted() - before
        finally:
            await lost.stop()
            await watch.stop()
            await db.close()

    assert beside(watched)


def counted() -> float:
    """How many invariants held when the worker checked them."""
    return REGISTRY.get_sample_value("duro_invariants_checked_total", {"result": "held"}) or 0.0


@contextmanager
def altered(told: Told) -> Iterator[None]:
    """A promo code that counts one too many, and is put right afterwards."""
    beside(lambda: alter(told, 1))
    yield
    beside(lambda: alter(told, 0))


async def alter(told: Told, count: int) -> None:
    role = app_role(Mode.TEST)
    async with connected_as(told.database_url, role, search_path="sandbox,core") as connection:
        await connection.execute("SELECT set_config('duro.tenant', $1, false)", told.tenant_id)
        await connection.execute("UPDATE promo_codes SET redeemed_count = $1", count)


def beside(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """In a thread and a loop of its own: fixtures of a module and commands have none."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(work())).result()


@asynccontextmanager
async def sabotaged(
    told: Told, commands: tuple[str, ...], mode: Mode = Mode.TEST
) -> AsyncIterator[Connection]:
    """A transaction in which the commands were run, in the application's role; taken back."""
    async with connected(told.database_url, search_path=f"{mode.schema},core") as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("SELECT set_config('duro.tenant', $1, true)", told.tenant_id)
        # The owner may alter tables and sees no rows, the application the other way round.
        for command in filter(_is_of_the_owner, commands):
            await connection.execute(command)
        await connection.execute("SELECT set_config('role', $1, true)", app_role(mode))
        for command in filterfalse(_is_of_the_owner, commands):
            await connection.execute(named(told, command))
        yield connection
        await transaction.rollback()


def _is_of_the_owner(command: str) -> bool:
    return command.startswith(("ALTER ", "DROP "))


async def found(connection: Connection, told: Told, mode: Mode = Mode.TEST) -> list[Violation]:
    tx = Tx(told.tenant_id, mode, _NOW, _NOW, connection)
    return await violations(tx, is_at_rest=True)


def named(told: Told, text: str) -> str:
    """The text with its ids; the longest names first, because some begin as others do."""
    for name in sorted(told.ids, key=len, reverse=True):
        text = text.replace(f":{name}", told.ids[name])
    return text
