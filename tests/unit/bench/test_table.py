"""Owns the claims about the table that the benchmarks end with."""

import pytest

from bench.table import Line, render


def test_a_line_shows_its_ratio_its_target_and_whether_it_is_met() -> None:
    shown = render(
        [Line("renewals", "1,500/s", limit="1,000/s", ratio=1.5, target=">= 1.0", is_met=True)]
    )

    headings, _, row = shown.splitlines()
    assert headings.split("  ")[0] == "work"
    assert row.split() == ["renewals", "1,500/s", "1,000/s", "1.50", ">=", "1.0", "met"]


def test_a_missed_target_stands_out() -> None:
    assert render([Line("renewals", "1/s", is_met=False)]).endswith("MISSED")


def test_a_figure_without_a_target_has_no_verdict() -> None:
    assert render([Line("round trips", "38")]).splitlines()[-1].endswith("–")


@pytest.mark.parametrize("column", ["measured", "ratio", "verdict"])
def test_columns_stand_under_their_headings(column: str) -> None:
    lines = [Line("a", "b" * 20, ratio=0.5), Line("c" * 40, "d", ratio=0.25, is_met=True)]

    headings, _, *rows = render(lines).splitlines()

    place = headings.index(column)
    assert all(row[place - 1] == " " and row[place] != " " for row in rows)
