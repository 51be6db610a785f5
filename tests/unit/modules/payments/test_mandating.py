"""What becomes of a mandate when its gateway was asked."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from duro.modules.payments.gateway import Failed, MandateFinding, MandateState, NotFound, Unknown
from duro.modules.payments.mandating import after
from duro.modules.payments.model import Mandate, MandateStatus

GIVEN_AT = datetime(2026, 1, 10, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PENDING = Mandate(
    id="man_1",
    customer_id="cus_1",
    payment_method_id="pm_1",
    status=MandateStatus.PENDING,
    check_at=GIVEN_AT + MINUTE,
    activated_at=None,
    ready_at=None,
    revoked_at=None,
    created_at=GIVEN_AT,
)
REVOKED = replace(PENDING, status=MandateStatus.REVOKED, revoked_at=GIVEN_AT)
NOT_YET: list[MandateFinding] = [
    MandateState(MandateStatus.PENDING),
    NotFound(),
    Unknown("no answer"),
]


@pytest.mark.parametrize("told", [GIVEN_AT + HOUR, None])
def test_an_active_mandate_is_ready_a_day_after_its_activation(told: datetime | None) -> None:
    now = GIVEN_AT + 2 * HOUR

    heard = after(PENDING, MandateState(MandateStatus.ACTIVE, told), now)

    at = told or now
    assert heard == replace(
        PENDING,
        status=MandateStatus.ACTIVE,
        check_at=None,
        activated_at=at,
        ready_at=at + DAY,
    )


@pytest.mark.parametrize("finding", NOT_YET)
@pytest.mark.parametrize(
    ("waited", "wait"),
    [
        (timedelta(), MINUTE),
        (MINUTE, MINUTE),
        (10 * MINUTE, 10 * MINUTE),
        (HOUR, HOUR),
        (DAY, HOUR),
        (14 * DAY - MINUTE, HOUR),
    ],
)
def test_a_pending_mandate_is_asked_about_ever_less_often_but_hourly(
    finding: MandateFinding, waited: timedelta, wait: timedelta
) -> None:
    heard = after(PENDING, finding, GIVEN_AT + waited)

    assert heard == replace(PENDING, check_at=GIVEN_AT + waited + wait)


@pytest.mark.parametrize("finding", [*NOT_YET, MandateState(MandateStatus.REVOKED)])
def test_after_a_fortnight_nobody_waits_any_more(finding: MandateFinding) -> None:
    now = GIVEN_AT + 14 * DAY

    heard = after(PENDING, finding, now)

    assert heard == replace(PENDING, status=MandateStatus.REVOKED, check_at=None, revoked_at=now)


@pytest.mark.parametrize("answer", [Failed("refused"), MandateState(MandateStatus.REVOKED)])
def test_what_the_bank_refuses_is_revoked(answer: Failed | MandateState) -> None:
    now = GIVEN_AT + HOUR

    heard = after(PENDING, answer, now)

    assert heard == replace(PENDING, status=MandateStatus.REVOKED, check_at=None, revoked_at=now)


@pytest.mark.parametrize(("waited", "check_at"), [(HOUR, GIVEN_AT + 2 * HOUR), (14 * DAY, None)])
def test_the_gateway_is_told_of_a_revocation_until_it_has_heard(
    waited: timedelta, check_at: datetime | None
) -> None:
    unheard = after(REVOKED, Unknown("no answer"), GIVEN_AT + waited)
    heard = after(REVOKED, MandateState(MandateStatus.REVOKED), GIVEN_AT + waited)

    assert unheard == replace(REVOKED, check_at=check_at)
    assert heard == replace(REVOKED, check_at=None)


def test_a_revoked_mandate_stays_revoked_whatever_the_gateway_says() -> None:
    for finding in (*NOT_YET, MandateState(MandateStatus.ACTIVE, GIVEN_AT)):
        assert after(REVOKED, finding, GIVEN_AT + HOUR).status is MandateStatus.REVOKED
