"""Owns the tables of recovery decisions: every rule, their order, their times and words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from duro.billing.case import Context, Settings
from duro.billing.dunning import (
    Decision,
    Move,
    decide,
)
from duro.billing.failures import Category
from duro.billing.rails import ORDER, Rail

LAGOS = ZoneInfo("Africa/Lagos")
# A Saturday, 09:00 in Lagos, far from payday.
NOW = datetime(2026, 1, 10, 8, tzinfo=UTC)
DAY = timedelta(days=1)
BASE = Context(
    now=NOW,
    zone=LAGOS,
    settings=Settings(),
    rail=Rail.CARD,
    code="96",
    category=Category.PROCESSOR_ERROR,
    attempts_made=1,
    first_failed_at=NOW,
    last_pull_at=NOW,
    usable_rails=ORDER,
)
INSUFFICIENT = replace(BASE, code="51", category=Category.INSUFFICIENT_FUNDS)
LIMIT = replace(BASE, code="61", category=Category.LIMIT)
REFUSED = replace(BASE, code="05", category=Category.DO_NOT_HONOR)
REFUSED_TWICE = replace(REFUSED, same_category_failures=2, attempts_made=2)
STOLEN = replace(BASE, code="43", category=Category.HARD_DECLINE)
EXPIRED = replace(BASE, code="54", category=Category.EXPIRED_CARD)
NO_METHOD = replace(
    BASE,
    rail=None,
    code="no_payment_method",
    category=Category.NO_PAYMENT_METHOD,
    last_pull_at=None,
)
REQUEST = replace(BASE, rail=Rail.USSD, code="payment_request_expired", attempts_made=2)


def gist(decision: Decision) -> tuple[str, str, str | None]:
    return (decision.move, decision.rule, decision.rail)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (INSUFFICIENT, ("retry_payday", "payday", "card")),
        (LIMIT, ("retry", "limit", "card")),
        (EXPIRED, ("request_card_update", "new_card_needed", None)),
        (
            replace(BASE, code="57", category=Category.CARD_NOT_SUPPORTED),
            ("request_card_update", "new_card_needed", None),
        ),
        (REFUSED, ("retry", "do_not_honor_once", "card")),
        (REFUSED_TWICE, ("switch_rail", "hard_decline", "ussd")),
        (STOLEN, ("switch_rail", "hard_decline", "ussd")),
        (BASE, ("retry", "back_off", "card")),
        (NO_METHOD, ("switch_rail", "no_payment_method", "ussd")),
        (REQUEST, ("switch_rail", "request_expired", "transfer")),
    ],
)
def test_each_failure_has_its_move(context: Context, expected: tuple[str, str, str | None]) -> None:
    assert gist(decide(context)) == expected


@pytest.mark.parametrize("category", Category)
@pytest.mark.parametrize("rail", [None, *Rail])
def test_the_last_attempt_beats_every_other_rule(category: Category, rail: Rail | None) -> None:
    context = replace(BASE, category=category, rail=rail, attempts_made=5)

    decision = decide(context)

    assert gist(decision) == ("exhaust", "max_attempts", None)
    assert decision.next_attempt_at is None
    assert "5 tries were made by Sat 10 Jan 2026 at 09:00" in decision.reason


def test_a_dead_card_is_asked_for_even_on_payday_and_with_other_rails() -> None:
    payday = utc("2026-01-28T09:00")

    decision = decide(replace(EXPIRED, now=payday, first_failed_at=payday, last_pull_at=payday))

    assert decision.move is Move.REQUEST_CARD_UPDATE
    assert decision.next_attempt_at == payday + DAY


class TestPayday:
    def test_waits_for_the_28th_and_says_so(self) -> None:
        decision = decide(INSUFFICIENT)

        assert decision.next_attempt_at == utc("2026-01-28T09:00")
        assert decision.reason == (
            "Payment failed: insufficient funds, waiting for the 28th; "
            "next try on Wed 28 Jan 2026 at 10:00."
        )

    @pytest.mark.parametrize("now", ["2026-01-28T00:00", "2026-01-31T12:00", "2026-02-03T12:00"])
    def test_on_payday_it_backs_off_instead(self, now: str) -> None:
        at = utc(now)

        decision = decide(replace(INSUFFICIENT, now=at, first_failed_at=at, last_pull_at=at))

        assert gist(decision) == ("retry", "back_off", "card")
        assert decision.next_attempt_at == at + DAY

    def test_without_payday_awareness_it_backs_off(self) -> None:
        decision = decide(replace(INSUFFICIENT, settings=Settings(payday_aware=False)))

        assert gist(decision) == ("retry", "back_off", "card")

    def test_the_tenants_own_anchor_counts(self) -> None:
        decision = decide(replace(INSUFFICIENT, settings=Settings(payday_anchor_day=25)))

        assert decision.next_attempt_at == utc("2026-01-25T09:00")
        assert "insufficient funds, waiting for the 25th" in decision.reason

    def test_an_anchor_past_the_month_names_the_real_day(self) -> None:
        now = utc("2026-02-10T08:00")
        context = replace(INSUFFICIENT, now=now, first_failed_at=now, last_pull_at=now)

        decision = decide(replace(context, settings=Settings(payday_anchor_day=31)))

        assert "waiting for the 28th; next try on Sat 28 Feb 2026" in decision.reason

    def test_the_evening_before_still_keeps_twenty_hours(self) -> None:
        now = utc("2026-01-27T20:00")
        context = replace(INSUFFICIENT, now=now, first_failed_at=now, last_pull_at=now)

        decision = decide(context)

        assert decision.next_attempt_at == utc("2026-01-28T16:00")
        assert "waiting for the 28th; next try on Wed 28 Jan 2026 at 17:00" in decision.reason

    def test_a_spent_card_is_not_kept_waiting_for_payday(self) -> None:
        context = replace(INSUFFICIENT, spent_rails=frozenset({Rail.CARD, Rail.DIRECT_DEBIT}))

        assert gist(decide(context)) == ("request_card_update", "nothing_to_pull", None)


class TestLimit:
    def test_is_tried_the_next_local_day_at_nine(self) -> None:
        decision = decide(LIMIT)

        assert decision.next_attempt_at == utc("2026-01-11T08:00")
        assert decision.reason == (
            "Payment failed: the bank's daily limit was reached; "
            "next try on Sun 11 Jan 2026 at 09:00."
        )

    def test_the_day_is_the_tenants_day(self) -> None:
        # 23:30 UTC on the 10th is already the 11th in Lagos.
        now = utc("2026-01-10T23:30")

        decision = decide(replace(LIMIT, now=now, last_pull_at=now, first_failed_at=now))

        assert decision.next_attempt_at == utc("2026-01-12T08:00")

    def test_late_in_the_day_twenty_hours_win(self) -> None:
        now = utc("2026-01-10T20:00")

        decision = decide(replace(LIMIT, now=now, last_pull_at=now, first_failed_at=now))

        assert decision.next_attempt_at == utc("2026-01-11T16:00")

    def test_without_a_card_to_charge_the_customer_is_asked(self) -> None:
        context = replace(LIMIT, usable_rails=(Rail.USSD,))

        assert gist(decide(context)) == ("request_card_update", "nothing_to_pull", None)


class TestBackOff:
    @pytest.mark.parametrize(("attempts", "hours"), [(1, 24), (2, 72), (3, 120), (4, 168)])
    def test_follows_the_offsets_from_the_first_failure(self, attempts: int, hours: int) -> None:
        previous = timedelta(hours=(0, 24, 72, 120)[attempts - 1])
        at = NOW + previous

        decision = decide(replace(BASE, now=at, last_pull_at=at, attempts_made=attempts))

        assert decision.next_attempt_at == NOW + timedelta(hours=hours)

    def test_after_a_payday_wait_the_gaps_count_from_the_last_attempt(self) -> None:
        payday = utc("2026-01-28T09:00")
        context = replace(INSUFFICIENT, now=payday, last_pull_at=payday, attempts_made=2)

        decision = decide(context)

        assert decision.next_attempt_at == payday + timedelta(hours=48)

    def test_before_any_attempt_it_starts_at_once(self) -> None:
        decision = decide(replace(BASE, attempts_made=0, last_pull_at=None, rail=Rail.WALLET))

        assert decision.next_attempt_at == NOW
        assert decision.rail is Rail.CARD
        assert "next try by card on" in decision.reason

    def test_tight_offsets_are_stretched_to_twenty_hours(self) -> None:
        context = replace(BASE, settings=Settings(offsets_hours=(0, 1, 2), max_attempts=3))

        assert decide(context).next_attempt_at == NOW + timedelta(hours=20)
        assert decide(replace(context, last_pull_at=None)).next_attempt_at == NOW + timedelta(
            hours=20
        )


class TestChain:
    def test_do_not_honor_is_tried_once_more_with_back_off(self) -> None:
        assert decide(REFUSED).next_attempt_at == NOW + DAY

    def test_do_not_honor_on_a_spent_card_switches(self) -> None:
        context = replace(REFUSED, spent_rails=frozenset({Rail.CARD}))

        assert gist(decide(context)) == ("switch_rail", "hard_decline", "ussd")

    def test_do_not_honor_without_a_rail_starts_the_chain(self) -> None:
        assert gist(decide(replace(REFUSED, rail=None))) == ("switch_rail", "hard_decline", "card")

    def test_a_hard_decline_switches_at_once(self) -> None:
        decision = decide(STOLEN)

        assert decision.next_attempt_at == NOW
        assert decision.reason == (
            "Payment failed: the bank does not allow another charge, "
            "so payment by USSD is requested on Sat 10 Jan 2026 at 09:00."
        )

    @pytest.mark.parametrize(
        ("rail", "following"),
        [
            (Rail.USSD, "transfer"),
            (Rail.TRANSFER, "virtual_account"),
            (Rail.VIRTUAL_ACCOUNT, "direct_debit"),
        ],
    )
    def test_an_expired_request_goes_to_the_next_rail(self, rail: Rail, following: str) -> None:
        decision = decide(replace(REQUEST, rail=rail))

        assert gist(decision) == ("switch_rail", "request_expired", following)

    def test_an_expired_request_is_told_as_such(self) -> None:
        assert decide(REQUEST).reason == (
            "Payment failed: the request by USSD was not paid in time, "
            "so payment by bank transfer is requested on Sat 10 Jan 2026 at 09:00."
        )

    def test_a_mandate_is_charged_not_requested(self) -> None:
        decision = decide(replace(REQUEST, rail=Rail.VIRTUAL_ACCOUNT))

        assert "so payment by direct debit is charged on Sat 10 Jan" in decision.reason
        assert decision.next_attempt_at == NOW

    def test_a_mandate_charged_before_keeps_twenty_hours(self) -> None:
        context = replace(REQUEST, rail=Rail.VIRTUAL_ACCOUNT, last_pull_at=NOW - DAY / 2)

        decision = decide(replace(context, pulled_rails=frozenset({Rail.DIRECT_DEBIT})))

        assert decision.next_attempt_at == NOW + timedelta(hours=8)

    def test_rails_the_customer_lacks_spent_or_the_tenant_excludes_are_skipped(self) -> None:
        lacks = replace(STOLEN, usable_rails=(Rail.CARD, Rail.TRANSFER))
        spent = replace(STOLEN, spent_rails=frozenset({Rail.CARD, Rail.USSD}))
        excluded = replace(STOLEN, settings=Settings(rails=(Rail.CARD, Rail.VIRTUAL_ACCOUNT)))

        assert decide(lacks).rail is Rail.TRANSFER
        assert decide(spent).rail is Rail.TRANSFER
        assert decide(excluded).rail is Rail.VIRTUAL_ACCOUNT

    def test_the_tenants_order_is_kept(self) -> None:
        rails = (Rail.CARD, Rail.TRANSFER, Rail.USSD)

        assert decide(replace(STOLEN, settings=Settings(rails=rails))).rail is Rail.TRANSFER

    def test_at_the_chains_end_a_card_that_was_only_refused_backs_off(self) -> None:
        context = replace(REFUSED_TWICE, usable_rails=(Rail.CARD,))

        decision = decide(replace(context, now=NOW + DAY, last_pull_at=NOW + DAY))

        assert gist(decision) == ("retry", "chain_end", "card")
        assert decision.next_attempt_at == NOW + 3 * DAY
        assert decision.reason == (
            "Payment failed: the bank declined without giving a reason; "
            "next try on Tue 13 Jan 2026 at 09:00."
        )

    def test_at_the_chains_end_another_token_is_named(self) -> None:
        context = replace(REQUEST, rail=Rail.VIRTUAL_ACCOUNT, usable_rails=(Rail.CARD,))

        decision = decide(context)

        assert gist(decision) == ("retry", "chain_end", "card")
        assert "next try by card on Tue 13 Jan" in decision.reason

    def test_at_the_chains_end_a_declined_or_spent_token_is_never_used_again(self) -> None:
        stolen = replace(STOLEN, usable_rails=(Rail.CARD,))
        spent = replace(
            REQUEST,
            rail=Rail.VIRTUAL_ACCOUNT,
            usable_rails=(Rail.CARD,),
            spent_rails=frozenset({Rail.CARD}),
        )

        assert gist(decide(stolen)) == ("request_card_update", "chain_end", None)
        assert gist(decide(spent)) == ("request_card_update", "chain_end", None)


class TestNoPaymentMethod:
    def test_asks_on_the_first_usable_push_rail_at_once(self) -> None:
        decision = decide(replace(NO_METHOD, usable_rails=(Rail.TRANSFER, Rail.DIRECT_DEBIT)))

        assert gist(decision) == ("switch_rail", "no_payment_method", "transfer")
        assert decision.next_attempt_at == NOW

    def test_without_a_push_rail_the_customer_is_asked_for_a_card(self) -> None:
        decision = decide(replace(NO_METHOD, usable_rails=()))

        assert gist(decision) == ("request_card_update", "no_payment_method", None)
        assert "so the customer is asked for a new card or another way to pay" in decision.reason
