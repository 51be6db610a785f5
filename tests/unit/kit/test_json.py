"""JSON is read strictly and written in one form."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duro.errors import BadRequestError
from duro.kit.json import dumps, instant, parse, unstorable

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_is_read_back(value: object) -> None:
    assert parse(dumps(value)) == value


@given(st.binary())
def test_any_bytes_are_read_like_the_standard_reader_or_refused(raw: bytes) -> None:
    try:
        value = parse(raw)
    except BadRequestError:
        return

    assert value == json.loads(raw.decode())


@pytest.mark.parametrize("depth", [1, 31, 32])
@pytest.mark.parametrize("pair", ["[]", "{}"])
def test_32_levels_are_read(depth: int, pair: str) -> None:
    opening = '{"a":' if pair == "{}" else "["
    raw = opening * (depth - 1) + pair + pair[1] * (depth - 1)

    assert parse(raw.encode()) == json.loads(raw)


@pytest.mark.parametrize(
    "raw",
    [b"[" * 33 + b"]" * 33, b'{"a":' * 32 + b"{}" + b"}" * 32, b"[1," * 33 + b"1" + b"]" * 33],
    ids=["list", "object", "filled"],
)
def test_33_levels_are_refused(raw: bytes) -> None:
    with pytest.raises(BadRequestError, match="deep"):
        parse(raw)


def test_many_brackets_side_by_side_are_not_deep() -> None:
    assert parse(b"[" + b"{}," * 99 + b"{}]") == [{}] * 100


@pytest.mark.parametrize("raw", [b'{"a":1,"a":1}', b'[{"b":{"a":1,"c":2,"a":3}}]'])
def test_a_key_that_stands_twice_is_refused(raw: bytes) -> None:
    with pytest.raises(BadRequestError, match="twice"):
        parse(raw)


def test_a_number_of_many_digits_is_clipped_and_keeps_its_sign() -> None:
    assert parse(b"[%b,-%b]" % (b"9" * 10_000, b"9" * 10_000)) == [10**30, -(10**30)]


@pytest.mark.parametrize(
    ("raw", "paths"),
    [
        (rb'{"a":"\u0000"}', ["a"]),
        (rb'{"a":["x",{"b":"\ud800"}]}', ["a.1.b"]),
        (rb'{"a":{"\uDc00":1}}', ["a"]),
        (rb'{"a":"\ud83d\ude00"}', []),
        (rb'{"a":"\\u0000"}', []),
        (rb'["\u0000"]', ["0"]),
        (rb'"\u0000"', [""]),
    ],
)
def test_text_that_cannot_be_kept_is_found_by_its_path(raw: bytes, paths: list[str]) -> None:
    assert unstorable(raw, parse(raw)) == paths


def test_instants_are_utc_with_three_decimals() -> None:
    lagos = timezone(timedelta(hours=1))

    assert instant(datetime(2026, 1, 28, 10, tzinfo=lagos)) == "2026-01-28T09:00:00.000Z"
    assert instant(datetime(2026, 1, 28, 9, 0, 0, 999_999, UTC)) == "2026-01-28T09:00:00.999Z"
    assert dumps({"at": datetime(2026, 1, 28, tzinfo=UTC)}) == b'{"at":"2026-01-28T00:00:00.000Z"}'


def test_what_is_not_json_is_not_written() -> None:
    with pytest.raises(TypeError):
        dumps({"a": object()})
