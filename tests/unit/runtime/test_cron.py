"""Periods as cron expressions."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from croniter import croniter  # type: ignore[import-untyped]  # it ships no types

from duro.kit.cron import cron_for


@pytest.mark.parametrize("every_s", [1, 15, 30, 60, 300, 900, 3600, 21_600, 86_400])
def test_every_period_comes_round_in_exactly_that_time(every_s: int) -> None:
    turns = croniter(cron_for(every_s), datetime(2026, 1, 1, 0, 0, tzinfo=UTC))

    instants = [turns.get_next() for _ in range(100)]

    assert {b - a for a, b in pairwise(instants)} == {every_s}


@pytest.mark.parametrize("every_s", [0, -1, 7, 45, 90, 7000, 100_000])
def test_period_that_cannot_be_even_is_refused(every_s: int) -> None:
    with pytest.raises(ValueError, match="cannot run every"):
        cron_for(every_s)
