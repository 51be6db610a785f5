"""Every test instrument does what the API description promises."""

from datetime import UTC, datetime, timedelta

import pytest

from duro.adapters.gateways.instruments import APPROVED, Outcome, Reply, Status, Use, decide
from duro.modules.payments.testcards import (
    Instrument,
    face_of,
    find_instrument,
    fingerprint_of,
    instrument_of_token,
    token_of,
)

FIRST = datetime(2026, 1, 10, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def declined(code: str) -> Outcome:
    return Outcome(Status.FAILED, code)


def use(times_before: int, *, after: timedelta = timedelta(), is_payday: bool = False) -> Use:
    return Use(
        uses_before=times_before,
        first_used_at=FIRST if times_before else None,
        at=FIRST + after,
        is_payday=is_payday,
    )


@pytest.mark.parametrize("is_payday", [False, True])
@pytest.mark.parametrize("times_before", [0, 1, 2, 50])
@pytest.mark.parametrize(
    ("instrument", "outcome"),
    [
        (Instrument.OK, APPROVED),
        (Instrument.INSUFFICIENT_FUNDS, declined("51")),
        (Instrument.EXPIRED, declined("54")),
        (Instrument.NOT_SUPPORTED, declined("57")),
        (Instrument.DO_NOT_HONOR, declined("05")),
        (Instrument.STOLEN, declined("43")),
        (Instrument.TIMEOUT_CHARGED, Outcome(Status.SUCCEEDED, reply=Reply.NEVER)),
        (Instrument.TIMEOUT_NOT_CHARGED, Outcome(Status.DROPPED, reply=Reply.NEVER)),
        (Instrument.SLOW, Outcome(Status.SUCCEEDED, reply=Reply.LATE)),
    ],
)
def test_a_constant_instrument_answers_the_same_always(
    instrument: Instrument, outcome: Outcome, times_before: int, *, is_payday: bool
) -> None:
    assert decide(instrument, use(times_before, is_payday=is_payday)) == outcome


@pytest.mark.parametrize(
    ("instrument", "codes"),
    [
        (Instrument.DO_NOT_HONOR_ONCE, ["05", None, None, None]),
        (Instrument.PROCESSOR_ERROR_TWICE, ["96", "96", None, None]),
        (Instrument.OK_THEN_INSUFFICIENT_FUNDS, [None, "51", "51", "51"]),
        (Instrument.PAYDAY, ["51", "51", "51", "51"]),
    ],
)
def test_a_counting_instrument_follows_its_sequence_off_payday(
    instrument: Instrument, codes: list[str | None]
) -> None:
    outcomes = [decide(instrument, use(times_before)) for times_before in range(4)]

    assert [outcome.code for outcome in outcomes] == codes
    assert {outcome.reply for outcome in outcomes} == {Reply.AT_ONCE}


@pytest.mark.parametrize("times_before", [0, 1, 7])
@pytest.mark.parametrize("instrument", [Instrument.PAYDAY, Instrument.OK_THEN_INSUFFICIENT_FUNDS])
def test_an_instrument_that_waits_for_payday_pays_on_payday(
    instrument: Instrument, times_before: int
) -> None:
    assert decide(instrument, use(times_before, is_payday=True)) == APPROVED


@pytest.mark.parametrize(
    ("times_before", "after", "outcome"),
    [
        (0, timedelta(), declined("91")),
        (1, timedelta(), declined("91")),
        (1, 48 * HOUR - timedelta(microseconds=1), declined("91")),
        (1, 48 * HOUR, APPROVED),
        (9, 480 * HOUR, APPROVED),
    ],
)
def test_the_issuer_is_back_48_hours_after_the_first_use(
    times_before: int, after: timedelta, outcome: Outcome
) -> None:
    assert decide(Instrument.ISSUER_DOWN_48H, use(times_before, after=after)) == outcome


def test_a_token_of_nobody_is_an_invalid_card() -> None:
    assert decide(None, use(0)) == declined("14")


@pytest.mark.parametrize("instrument", Instrument)
def test_every_instrument_has_a_rule_a_face_and_a_token_that_names_it(
    instrument: Instrument,
) -> None:
    token = token_of(instrument, "cus_A")

    assert decide(instrument, use(0)).status in Status
    assert len(face_of(instrument).last4) == 4
    assert instrument_of_token(token) is instrument
    assert find_instrument(f"pm_test_{instrument.value}") is instrument


def test_customers_share_neither_token_nor_fingerprint() -> None:
    assert token_of(Instrument.OK, "cus_A") != token_of(Instrument.OK, "cus_B")
    assert fingerprint_of(Instrument.OK, "cus_A") != fingerprint_of(Instrument.OK, "cus_B")


@pytest.mark.parametrize("name", ["pm_test_", "pm_test_OK", "pm_test_ok ", "ok", "pm_live_ok", ""])
def test_only_the_described_names_are_instruments(name: str) -> None:
    assert find_instrument(name) is None


@pytest.mark.parametrize("token", ["", "sim_", "sim_ok", "sim_nothing_0123", "tok_ok_0123"])
def test_a_foreign_token_names_no_instrument(token: str) -> None:
    assert instrument_of_token(token) is None
