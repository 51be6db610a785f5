"""Cursors lead back to the microsecond they were made at, and to nowhere else."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duro.errors import InvalidError
from duro.kit.modes import Mode
from duro.kit.pagination import ListQuery, Page, Seek, seek
from duro.kit.schema import Out

TENANT = "ten_01JDXYZ0000000000000000000"
INSTANTS = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis takes bounds without a zone


@dataclass(frozen=True)
class Row:
    id: str
    created_at: datetime


class RowOut(Out):
    id: str


def place(cursor: str = "", limit: int = 20) -> Seek:
    query = ListQuery(cursor=cursor, limit=limit)
    return seek(query, name="rows", mode=Mode.TEST, tenant_id=TENANT)


def shown(found: list[Row], limit: int) -> Page[RowOut]:
    return place(limit=limit).page(found, lambda row: RowOut(id=row.id))


@given(at=INSTANTS, row_id=st.from_regex(r"[a-z]{2,4}_[0-9A-Z]{26}", fullmatch=True))
def test_the_next_page_begins_behind_the_last_row(at: datetime, row_id: str) -> None:
    page = shown([Row(row_id, at), Row("row_2", at)], limit=1)

    following = place(page.next_cursor or "")

    assert page.has_more
    assert [item.id for item in page.items] == [row_id]
    assert (following.before_at, following.before_id) == (at, row_id)


@given(count=st.integers(0, 30), limit=st.integers(1, 30))
def test_a_page_has_a_next_one_if_and_only_if_more_was_found(count: int, limit: int) -> None:
    rows = [Row(f"row_{n}", datetime(2026, 1, 1, tzinfo=UTC)) for n in range(count)]

    page = shown(rows[: place(limit=limit).fetch], limit)

    assert len(page.items) == min(count, limit)
    assert page.has_more == (page.next_cursor is not None) == (count > limit)


@given(st.text())
def test_no_text_is_taken_for_a_cursor_by_mistake(cursor: str) -> None:
    if not cursor:
        return

    with pytest.raises(InvalidError):
        place(cursor)
