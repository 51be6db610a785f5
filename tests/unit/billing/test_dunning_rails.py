"""Owns the tables of what holds a rail back: the night, our caps, a new mandate, want of money."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from duro.billing.case import Context, Settings
from duro.billing.dunning import Decision, decide, decide_waiting, is_counted, waiting_deadline
from duro.billing.failures import Category
from duro.billing.pattern import UNKNOWN, PatternKind, PaydayPattern
from duro.billing.rails import ORDER, Rail

# A Saturday, 09:00 in Lagos, far from payday.
NOW = datetime(2026, 1, 10, 8, tzinfo=UTC)
NIGHT = datetime(2026, 1, 10, 22, tzinfo=UTC)  # 23:00 in Lagos
SEVEN = datetime(2026, 1, 11, 6, tzinfo=UTC)
PAYDAY = datetime(2026, 1, 28, 9, tzinfo=UTC)
DAY = timedelta(days=1)
STOLEN = Context(
    now=NOW,
    zone=ZoneInfo("Africa/Lagos"),
    settings=Settings(),
    rail=Rail.CARD,
    code="43",
    category=Category.HARD_DECLINE,
    attempts_made=1,
    first_failed_at=NOW,
    last_pull_at=NOW,
    usable_rails=ORDER,
)
AT_NIGHT = replace(STOLEN, now=NIGHT, first_failed_at=NIGHT, last_pull_at=NIGHT)
BUSY = replace(STOLEN, code="96", category=Category.PROCESSOR_ERROR)
INSUFFICIENT = replace(STOLEN, code="51", category=Category.INSUFFICIENT_FUNDS)
DEBIT = replace(INSUFFICIENT, rail=Rail.DIRECT_DEBIT, usable_rails=(Rail.DIRECT_DEBIT,))
NEW_MANDATE = replace(
    DEBIT, code="05", category=Category.DO_NOT_HONOR, mandate_ready_at=NOW + DAY + DAY / 2
)
EXPIRED_REQUEST = replace(
    STOLEN,
    rail=Rail.VIRTUAL_ACCOUNT,
    code="request_expired",
    category=Category.PROCESSOR_ERROR,
    last_pull_at=NOW - DAY,
)


def gist(decision: Decision) -> tuple[str, str, str | None]:
    return (decision.move, decision.rule, decision.rail)


class TestQuietHours:
    def test_a_request_waits_for_the_morning_and_says_so(self) -> None:
        decision = decide(AT_NIGHT)

        assert gist(decision) == ("switch_rail", "hard_decline", "ussd")
        assert decision.next_attempt_at == SEVEN
        assert decision.reason == (
            "Payment failed: the bank does not allow another charge, so payment by USSD is "
            "requested on Sun 11 Jan 2026 at 07:00; nobody is disturbed at night."
        )
        assert decision.would_change.endswith("By day it would have come at once.")

    def test_a_silent_retry_of_a_card_is_not_bound_by_them(self) -> None:
        decision = decide(replace(AT_NIGHT, code="96", category=Category.PROCESSOR_ERROR))

        assert gist(decision) == ("retry", "back_off", "card")
        assert decision.next_attempt_at == NIGHT + DAY

    def test_reminders_come_in_the_morning(self) -> None:
        dead = replace(AT_NIGHT, code="54", category=Category.EXPIRED_CARD)

        asked = decide(dead)
        reminded = decide_waiting(context=replace(dead, now=NIGHT + DAY), deadline_at=PAYDAY)

        assert asked.next_attempt_at == SEVEN + DAY
        assert reminded.next_attempt_at == SEVEN + 3 * DAY

    def test_the_end_of_a_wait_disturbs_nobody(self) -> None:
        dead = replace(AT_NIGHT, code="54", category=Category.EXPIRED_CARD)

        decision = decide_waiting(context=dead, deadline_at=NIGHT + DAY / 24)

        assert decision.next_attempt_at == NIGHT + DAY / 24


class TestCaps:
    def test_a_retry_waits_until_the_token_may_be_charged(self) -> None:
        decision = decide(replace(BUSY, capped_until={Rail.CARD: NOW + 3 * DAY}))

        assert gist(decision) == ("retry", "back_off", "card")
        assert decision.next_attempt_at == NOW + 3 * DAY
        assert decision.reason == (
            "Payment failed: the bank or the payment network had a temporary problem; next try on "
            "Tue 13 Jan 2026 at 09:00; it must not be charged again before then."
        )

    def test_a_payday_try_waits_too(self) -> None:
        decision = decide(replace(INSUFFICIENT, capped_until={Rail.CARD: PAYDAY + DAY}))

        assert gist(decision) == ("retry_payday", "payday", "card")
        assert decision.next_attempt_at == PAYDAY + DAY

    def test_a_cap_that_ends_sooner_changes_nothing(self) -> None:
        decision = decide(replace(BUSY, capped_until={Rail.CARD: NOW + DAY / 2}))

        assert decision.next_attempt_at == NOW + DAY

    def test_another_rails_cap_changes_nothing(self) -> None:
        decision = decide(replace(BUSY, capped_until={Rail.DIRECT_DEBIT: NOW + 9 * DAY}))

        assert decision.next_attempt_at == NOW + DAY

    def test_a_charge_that_our_cap_refused_waits_for_its_end(self) -> None:
        refused = replace(BUSY, code="attempt_cap", category=Category.LIMIT)

        decision = decide(replace(refused, capped_until={Rail.CARD: NOW + 2 * DAY}))

        assert gist(decision) == ("retry", "attempt_cap", "card")
        assert decision.next_attempt_at == NOW + 2 * DAY
        assert decision.reason == (
            "Payment failed: the card or account was charged as often as is allowed; "
            "next try on Mon 12 Jan 2026 at 09:00."
        )


class TestDirectDebit:
    def test_after_want_of_money_a_switch_to_it_waits_for_payday(self) -> None:
        decision = decide(replace(EXPIRED_REQUEST, funds_short_at=NOW - 3 * DAY))

        assert gist(decision) == ("switch_rail", "request_expired", "direct_debit")
        assert decision.next_attempt_at == PAYDAY
        assert decision.reason == (
            "Payment failed: the request by virtual account was not paid in time, so payment by "
            "direct debit is charged on Wed 28 Jan 2026 at 10:00; "
            "a failed debit would cost the customer a fee."
        )

    @pytest.mark.parametrize(
        ("now", "short_at"),
        [
            (NOW, None),  # nothing says that money is missing
            (PAYDAY + DAY, NOW),  # it is payday
            (PAYDAY + 10 * DAY, NOW),  # payday came in between
        ],
    )
    def test_where_a_failure_is_not_likely_it_is_charged_at_once(
        self, now: datetime, short_at: datetime | None
    ) -> None:
        decision = decide(replace(EXPIRED_REQUEST, now=now, funds_short_at=short_at))

        assert gist(decision) == ("switch_rail", "request_expired", "direct_debit")
        assert decision.next_attempt_at == now

    def test_it_waits_for_payday_even_where_paydays_are_not_looked_at(self) -> None:
        decision = decide(replace(DEBIT, settings=Settings(payday_aware=False)))

        assert gist(decision) == ("retry_payday", "debit_at_payday", "direct_debit")
        assert decision.next_attempt_at == PAYDAY
        assert decision.reason == (
            "Payment failed: insufficient funds, a failed debit would cost the customer a fee, "
            "so it is waiting for the 28th; next try on Wed 28 Jan 2026 at 10:00."
        )

    def test_on_payday_it_backs_off(self) -> None:
        decision = decide(replace(DEBIT, now=PAYDAY, last_pull_at=PAYDAY, first_failed_at=PAYDAY))

        assert gist(decision) == ("retry", "back_off", "direct_debit")
        assert decision.next_attempt_at == PAYDAY + DAY

    def test_a_new_mandates_refusal_is_no_try_and_waits_until_the_bank_knows_it(self) -> None:
        decision = decide(NEW_MANDATE)

        assert not is_counted(NEW_MANDATE)
        assert gist(decision) == ("retry", "mandate_not_ready", "direct_debit")
        assert decision.next_attempt_at == NOW + DAY + DAY / 2
        assert decision.reason == (
            "Payment failed: the bank does not know the new mandate yet, which counts as no try; "
            "next try on Sun 11 Jan 2026 at 21:00; the bank needs until then to know the mandate."
        )

    def test_a_debit_that_was_made_before_counts_by_its_own_time(self) -> None:
        later = replace(NEW_MANDATE, now=NOW + 2 * DAY)

        assert not is_counted(later)
        assert decide(later).next_attempt_at == NOW + 2 * DAY
        assert is_counted(replace(later, last_pull_at=NOW + 2 * DAY))

    def test_two_debits_still_keep_twenty_hours(self) -> None:
        soon = replace(NEW_MANDATE, mandate_ready_at=NOW + timedelta(hours=2))

        assert decide(soon).next_attempt_at == NOW + timedelta(hours=20)

    @pytest.mark.parametrize(
        "counted",
        [
            replace(NEW_MANDATE, mandate_ready_at=NOW),
            replace(NEW_MANDATE, mandate_ready_at=None),
            replace(NEW_MANDATE, category=Category.INSUFFICIENT_FUNDS),
            replace(NEW_MANDATE, rail=Rail.CARD),
        ],
    )
    def test_every_other_failure_counts(self, counted: Context) -> None:
        assert is_counted(counted)

    def test_a_new_mandate_is_not_chosen(self) -> None:
        context = replace(EXPIRED_REQUEST, mandate_ready_at=NOW + DAY)

        assert gist(decide(context)) == ("retry", "chain_end", "card")

    def test_a_new_mandate_is_waited_for_when_nothing_else_is_left(self) -> None:
        only = replace(EXPIRED_REQUEST, usable_rails=(Rail.DIRECT_DEBIT,))

        decision = decide(replace(only, mandate_ready_at=NOW + 9 * DAY))

        assert gist(decision) == ("retry", "chain_end", "direct_debit")
        assert decision.next_attempt_at == NOW + 9 * DAY


class TestLearntPayday:
    SETTINGS = Settings(learn_payday=True)
    ON_THE_14TH = PaydayPattern(kind=PatternKind.DAY_OF_MONTH, day=14, hour=11)

    def learnt(self, pattern: PaydayPattern | None, *holidays: date) -> Decision:
        context = replace(INSUFFICIENT, settings=self.SETTINGS, payday=pattern, holidays=holidays)
        return decide(context)

    def test_the_customers_own_payday_is_waited_for(self) -> None:
        decision = self.learnt(self.ON_THE_14TH)

        assert gist(decision) == ("retry_payday", "payday_learnt", "card")
        assert decision.next_attempt_at == datetime(2026, 1, 14, 10, tzinfo=UTC)
        assert decision.reason == (
            "Payment failed: insufficient funds, this customer is usually paid around the 14th; "
            "next try on Wed 14 Jan 2026 at 11:00."
        )

    @pytest.mark.parametrize(
        ("pattern", "words", "at"),
        [
            (
                PaydayPattern(kind=PatternKind.WEEKLY, weekday=2),
                "is usually paid on Wednesdays",
                datetime(2026, 1, 14, 8, tzinfo=UTC),
            ),
            (
                PaydayPattern(kind=PatternKind.LAST_WORKING_DAY),
                "is usually paid on the last working day of the month",
                datetime(2026, 1, 30, 8, tzinfo=UTC),
            ),
        ],
    )
    def test_each_kind_has_its_words(
        self, pattern: PaydayPattern, words: str, at: datetime
    ) -> None:
        decision = self.learnt(pattern)

        assert words in decision.reason
        assert decision.next_attempt_at == at

    def test_a_holiday_brings_it_forward(self) -> None:
        decision = self.learnt(self.ON_THE_14TH, date(2026, 1, 14))

        assert decision.next_attempt_at == datetime(2026, 1, 13, 10, tzinfo=UTC)

    @pytest.mark.parametrize("pattern", [None, UNKNOWN])
    def test_an_unknown_payday_is_the_tenants(self, pattern: PaydayPattern | None) -> None:
        decision = self.learnt(pattern)

        assert gist(decision) == ("retry_payday", "payday", "card")
        assert decision.next_attempt_at == PAYDAY

    def test_without_the_setting_it_is_not_looked_at(self) -> None:
        decision = decide(replace(INSUFFICIENT, payday=self.ON_THE_14TH))

        assert gist(decision) == ("retry_payday", "payday", "card")

    def test_once_it_has_come_the_tries_back_off(self) -> None:
        at = datetime(2026, 1, 14, 10, tzinfo=UTC)
        context = replace(INSUFFICIENT, settings=self.SETTINGS, payday=self.ON_THE_14TH)

        decision = decide(replace(context, now=at, first_failed_at=at, last_pull_at=at))

        assert gist(decision) == ("retry", "back_off", "card")

    def test_a_wait_for_the_customer_lasts_until_it(self) -> None:
        dead = replace(INSUFFICIENT, code="54", category=Category.EXPIRED_CARD)
        context = replace(dead, settings=self.SETTINGS, payday=self.ON_THE_14TH)

        # The 14th comes before the last offset, and the tenant's 28th long after it.
        assert waiting_deadline(context=context) == NOW + 7 * DAY
        assert waiting_deadline(context=dead) == PAYDAY


def test_a_request_that_was_paid_short_or_not_made_is_told_as_such() -> None:
    short = replace(EXPIRED_REQUEST, rail=Rail.USSD, code="underpaid")
    failed = replace(EXPIRED_REQUEST, rail=Rail.USSD, code="91")

    assert "the request by USSD came to nothing (less than the full amount was paid)" in (
        decide(short).reason
    )
    assert "the request by USSD came to nothing (the bank or the payment network" in (
        decide(failed).reason
    )


def test_alternatives_say_why_each_other_rail_was_not_taken() -> None:
    context = replace(
        STOLEN,
        usable_rails=(Rail.CARD, Rail.USSD, Rail.TRANSFER, Rail.DIRECT_DEBIT),
        settings=Settings(rails=(Rail.CARD, Rail.USSD, Rail.DIRECT_DEBIT)),
        capped_until={Rail.DIRECT_DEBIT: NOW + DAY},
    )

    decision = decide(context)

    assert decision.alternatives == (
        "Another try of the same card or account: banks do not allow it.",
        "Card: it must not be charged again.",
        "Bank transfer: the merchant does not use it for recovery.",
        "Virtual account: the customer does not have it.",
        "Direct debit: it must not be charged again before then.",
    )
    assert decision.would_change == (
        "A refusal that allows another charge would have been tried again."
    )


def test_a_rail_that_had_its_turn_and_one_that_comes_later_are_named() -> None:
    decision = decide(replace(STOLEN, spent_rails=frozenset({Rail.USSD})))

    assert decision.rail is Rail.TRANSFER
    assert decision.alternatives[2:] == (
        "USSD: it had its turn.",
        "Virtual account: it stands elsewhere in the merchant's order.",
        "Direct debit: it stands elsewhere in the merchant's order.",
    )
