"""Money comes by push rails while processes die: late, short, over, twice, untold, told wrongly, during a pull."""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest
import structlog

from duro.kit.clock import FixedClock
from duro.kit.db import Database
from tests.support.billing import Shop
from tests.support.faults import IS_LONG, seeds
from tests.support.street import Street
from tests.support.strikes import deaths

# Each debtor of a street has a schedule of their own.
DEBTORS = 10
ROUNDS = 8
STREETS_IN_A_TEST = 20 if IS_LONG else 3
LONG_TESTS = 10


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    # Errors are provoked by the hundred here, and their tracebacks take longer than what they tell of.
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
def shop(db: Database, clock: FixedClock, database_url: str, tenant: str) -> Shop:
    return Shop.open(db, clock, database_url, tenant)


@pytest.mark.parametrize("seed", seeds(short=1, long=LONG_TESTS))
async def test_every_sum_is_taken_once_and_no_invoice_is_settled_twice(
    shop: Shop, seed: int, monkeypatch: pytest.MonkeyPatch, say: Callable[[str], None]
) -> None:
    counts, wrong = Counter[str](), {}
    async with deaths(monkeypatch) as struck:
        for number in range(1, STREETS_IN_A_TEST + 1):
            async with Street.founded(shop, struck, 1000 * seed + number) as street:
                await street.settle_in(DEBTORS)
                await street.live(ROUNDS)
                await street.come_to_rest()
                counts += await street.counts()
                if found := await street.wrongs():
                    wrong[street.seed] = found
    counts += struck.counts

    assert wrong == {}
    shown = ", ".join(f"{value} {name}" for name, value in sorted(counts.items()))
    say(f"{DEBTORS * STREETS_IN_A_TEST} schedules of money that comes, seed {seed}: {shown}")
