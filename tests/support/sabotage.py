"""Owns one deed by hand for each invariant that breaks this one and no other, and the row that is then to be named."""

from dataclasses import dataclass
from typing import Final

from typing_extensions import override


@dataclass(frozen=True)
class Sabotage:
    """`:name` stands for an id of the story in tests/support/told.py."""

    invariant: str
    row_id: str
    commands: tuple[str, ...]

    @override
    def __str__(self) -> str:
        return f"{self.invariant}-{self.row_id.strip(':')}"


def _by(invariant: str, row_id: str, *commands: str) -> Sabotage:
    return Sabotage(invariant, row_id, commands)


def _attempt(attempt_id: str, of: str, **values: str) -> str:
    """Another attempt like `of`, but for these columns."""
    columns = {
        "status": "'unknown'",
        "settled_at": "NULL",
        "failure_code": "NULL",
        "failure_category": "NULL",
        "check_at": "NULL",
        "review_reason": "'by hand'",
        "rail": "rail",
    } | values
    return _ANOTHER_ATTEMPT % {
        "id": attempt_id,
        "of": of,
        "names": ", ".join(columns),
        "values": ", ".join(columns.values()),
    }


_ANOTHER_ATTEMPT: Final = """
    INSERT INTO payment_attempts (tenant_id, id, invoice_id, subscription_id, customer_id, purpose, amount_minor,
                                  currency, reference, checks, created_at, %(names)s)
    SELECT tenant_id, '%(id)s', invoice_id, subscription_id, customer_id, purpose, amount_minor, currency, '%(id)s', 0,
           created_at, %(values)s
      FROM payment_attempts
     WHERE id = '%(of)s'
"""
_ANOTHER_INVOICE: Final = """
    INSERT INTO invoices (tenant_id, id, number, subscription_id, customer_id, idempotency_key, amount_minor, currency,
                          lines, status, period_index, period_starts_at, period_ends_at, amount_refunded_minor,
                          created_at)
    SELECT tenant_id, 'inv_x', 'INV-X', subscription_id, customer_id, 'proration_x', amount_minor, currency, lines,
           'open', period_index, period_starts_at, period_ends_at, 0, created_at
      FROM invoices
     WHERE id = ':paid_invoice'
"""
_ANOTHER_CASE: Final = """
    INSERT INTO dunning_schedules (tenant_id, id, subscription_id, invoice_id, customer_id, state, amount_minor,
                                   currency, rail, failure_code, failure_category, attempts_made, attempts_skipped,
                                   settings, settings_version, next_action, next_attempt_at, reason, first_failed_at,
                                   opened_at)
    SELECT tenant_id, 'dun_x', subscription_id, ':past_due_first_invoice', customer_id, state, amount_minor, currency,
           rail, failure_code, failure_category, attempts_made, attempts_skipped, settings, settings_version,
           next_action, next_attempt_at, reason, first_failed_at, opened_at
      FROM dunning_schedules
     WHERE id = ':past_due_case'
"""
_ITS_LEDGER: Final = """
    INSERT INTO recovery_ledger (tenant_id, schedule_id, movement, amount_minor, currency, reason, moved_at)
    SELECT tenant_id, id, 'entered', amount_minor, currency, 'x', opened_at FROM dunning_schedules WHERE id = 'dun_x'
"""
_ANOTHER_REFUND: Final = """
    INSERT INTO refunds (tenant_id, id, invoice_id, attempt_id, status, amount_minor, currency, reference, checks,
                         review_reason, check_at, created_at)
    SELECT tenant_id, 'rfd_x', invoice_id, attempt_id, 'unknown', %s, currency, 'rfd_x', 0, %s, %s, created_at
      FROM refunds
     WHERE id = ':refunded_refund'
"""
_CHARGED: Final = """
    INSERT INTO simulated_charges (tenant_id, reference, token, amount_minor, currency, status, charged_at)
    VALUES (':tenant', '%s', 'sim_ok_x', 500000, 'NGN', 'succeeded', '2027-02-05Z')
"""
_POSTED: Final = """
    INSERT INTO ledger_entries (tenant_id, cause, cause_id, debit, credit, amount_minor, currency, posted_at)
    VALUES (':tenant', 'excess', 'x', '%s', '%s', 1, 'NGN', '2027-02-05Z')
"""
_MOVE_ENTRY: Final = (
    "UPDATE ledger_entries SET cause_id = 'x' WHERE cause = '%s' AND cause_id = '%s'"
)

_REQUEST: Final = """
    INSERT INTO payment_requests (tenant_id, id, attempt_id, invoice_id, subscription_id, customer_id, rail, status,
                                  amount_minor, received_minor, currency, reference, details, expires_at, check_at,
                                  closed_at, created_at)
    SELECT tenant_id, 'prq_x', id, invoice_id, subscription_id, customer_id, 'transfer', %s, amount_minor, %s,
           currency, 'prq_x', '{}', created_at, created_at, %s, created_at
      FROM payment_attempts
     WHERE id = ':past_due_attempt'
"""

SABOTAGES: Final = (
    _by(
        "no_status_outside_the_table",
        ":past_due",
        """UPDATE events SET data = jsonb_set(data, '{subscription,status}', '"expired"')
            WHERE id = ':past_due_event'""",
    ),
    _by(
        "a_paid_invoice_is_paid_whole",
        ":paid_invoice",
        """UPDATE invoices SET amount_minor = amount_minor + 100, lines = lines || '[{"amount": 100}]'
            WHERE id = ':paid_invoice'""",
    ),
    _by(
        "received_stays_within_the_amount",
        ":paid_invoice",
        "ALTER TABLE invoices DROP CONSTRAINT received_stays_within_the_amount",
        "UPDATE invoices SET received_minor = amount_minor + 1 WHERE id = ':paid_invoice'",
    ),
    _by(
        "received_is_what_was_applied",
        ":past_due_invoice",
        "UPDATE invoices SET received_minor = 1 WHERE id = ':past_due_invoice'",
    ),
    _by(
        "money_pays_an_invoice_or_is_to_be_refunded",
        "txn_x",
        _attempt(
            "txn_x", ":past_due_attempt", status="'succeeded'", settled_at="created_at"
        ).replace("'by hand'", "NULL"),
        _CHARGED % "txn_x",
        _POSTED.replace("'excess'", "'charge'").replace("'x'", "'txn_x'").replace(" 1,", " 500000,")
        % ("gateway_clearing", "merchant_payable"),
    ),
    _by(
        "one_open_pull_attempt_per_invoice",
        ":past_due_invoice",
        "DROP INDEX one_open_pull_attempt_per_invoice",
        _attempt("txn_x", ":past_due_attempt"),
        _attempt("txn_y", ":past_due_attempt"),
    ),
    _by(
        "no_open_request_survives_payment",
        "txn_x",
        _attempt("txn_x", ":paid_attempt", status="'pending'", rail="'transfer'"),
    ),
    _by(
        "a_request_follows_its_attempt",
        "prq_x",
        # Its attempt has failed.
        _REQUEST % ("'open'", "0", "NULL"),
    ),
    _by("a_request_says_what_came", "prq_x", _REQUEST % ("'expired'", "1", "created_at")),
    _by(
        "who_awaits_payment_asks_for_it",
        ":past_due_case",
        """UPDATE dunning_schedules SET state = 'awaiting_customer', next_action = 'await_payment'
            WHERE id = ':past_due_case'""",
    ),
    _by(
        "periods_neither_overlap_nor_leave_a_gap",
        ":paid_invoice",
        """UPDATE invoices SET period_ends_at = period_ends_at - interval '1 hour'
            WHERE id = ':paid_first_invoice'""",
    ),
    _by(
        "the_present_period_is_paid",
        ":paid",
        "UPDATE subscriptions SET period_ends_at = period_ends_at + interval '1 hour' WHERE id = ':paid'",
    ),
    _by(
        "every_subscription_goes_on",
        ":paid",
        "UPDATE subscriptions SET renews_at = NULL WHERE id = ':paid'",
    ),
    _by(
        "no_past_due_without_a_next_action",
        ":past_due",
        "UPDATE dunning_schedules SET next_action = NULL WHERE id = ':past_due_case'",
    ),
    _by("one_open_case_of_a_past_due_subscription", ":past_due", _ANOTHER_CASE, _ITS_LEDGER),
    _by(
        "a_case_in_flight_has_an_open_attempt",
        ":past_due_case",
        """UPDATE dunning_schedules SET state = 'in_flight', next_attempt_at = NULL
            WHERE id = ':past_due_case'""",
    ),
    _by("an_open_invoice_is_worked", "inv_x", _ANOTHER_INVOICE),
    _by(
        "the_recovery_ledger_follows_the_cases",
        ":recovered_case",
        """UPDATE recovery_ledger SET movement = 'lost'
            WHERE schedule_id = ':recovered_case' AND movement = 'recovered'""",
    ),
    _by(
        "the_recovery_ledger_balances",
        "USD",
        """INSERT INTO recovery_ledger (tenant_id, schedule_id, movement, amount_minor, currency, reason, moved_at,
                                        cause_id)
           VALUES (':tenant', ':recovered_case', 'entered', 1, 'USD', 'x', '2027-02-05Z', 'x')""",
    ),
    _by(
        "a_balance_is_the_sum_of_its_entries",
        ":in_credit",
        "UPDATE subscriptions SET balance_minor = balance_minor - 1 WHERE id = ':in_credit'",
        "UPDATE subscriptions SET balance_minor = balance_minor + 1 WHERE id = ':credited'",
    ),
    _by(
        "balance_entries_follow_each_other",
        ":credited_balance_entry",
        "UPDATE balance_entries SET balance_after_minor = 1 WHERE id = ':credited_balance_entry'",
    ),
    _by(
        "refunds_never_exceed_what_was_captured",
        ":refunded_attempt",
        _ANOTHER_REFUND % ("400001", "'by hand'", "NULL"),
    ),
    _by(
        "invoices_say_what_was_refunded",
        ":paid_invoice",
        "UPDATE invoices SET amount_refunded_minor = 1 WHERE id = ':paid_invoice'",
    ),
    _by(
        "a_change_that_waits_has_an_open_charge",
        ":paid",
        """UPDATE subscriptions SET pending_change = '{"invoiceId": "inv_x"}' WHERE id = ':paid'""",
    ),
    _by(
        "every_event_reaches_every_endpoint",
        ":paid_event",
        "DELETE FROM webhook_deliveries WHERE event_id = ':paid_event'",
    ),
    _by("redemptions_are_counted", "prm_a", "UPDATE promo_codes SET redeemed_count = 1"),
    _by(
        "lines_sum_to_the_amount",
        ":paid_invoice",
        """UPDATE invoices SET lines = '[{"amount": 499999}]' WHERE id = ':paid_invoice'""",
    ),
    _by(
        "created_is_told_once",
        ":paid",
        """UPDATE events SET type = 'subscription_activated'
            WHERE object_id = ':paid' AND type = 'subscription_created'""",
    ),
    _by(
        "every_settled_charge_is_posted", ":paid_attempt", _MOVE_ENTRY % ("charge", ":paid_attempt")
    ),
    _by("every_refund_is_posted", ":refunded_refund", _MOVE_ENTRY % ("refund", ":refunded_refund")),
    _by(
        "every_balance_movement_is_posted",
        ":credited_balance_entry",
        _MOVE_ENTRY % ("balance", ":credited_balance_entry"),
    ),
    _by(
        "gateway_clearing_is_what_came_in",
        "NGN",
        _POSTED % ("gateway_clearing", "merchant_payable"),
    ),
    _by(
        "customer_credit_is_the_sum_of_balances",
        "NGN",
        _POSTED % ("merchant_payable", "customer_credit"),
    ),
    _by("suspense_is_the_sum_of_open_items", "NGN", _POSTED % ("merchant_payable", "suspense")),
    _by("the_wallet_account_is_empty", "NGN", _POSTED % ("merchant_payable", "wallet")),
    _by(
        "nobody_is_reminded_too_often",
        "msg_8",
        # Seven, a day apart, and the eighth a minute before the first is a week old.
        """INSERT INTO outbox (tenant_id, id, template, customer_id, recipient, cause, data, is_reminder, status,
                               person, counted_at, created_at)
           SELECT ':tenant', 'msg_' || n, 'dunning_1', 'cus_x', 'cus_x', 'x' || n, '{}', true, 'sent', 'x',
                  '2027-02-05Z'::timestamptz + n * interval '1 day' - n / 8 * interval '1 minute', '2027-02-05Z'
             FROM generate_series(1, 8) AS n""",
    ),
    _by(
        "amounts_are_integers",
        ":paid_invoice",
        """UPDATE invoices SET lines = '[{"amount": 500000.0}]' WHERE id = ':paid_invoice'""",
    ),
    _by(
        "amounts_are_integers",
        "suspense_items.amount_minor",
        "ALTER TABLE suspense_items ALTER COLUMN amount_minor TYPE double precision",
    ),
    _by(
        "test_and_live_never_mix",
        "gcb_x",
        """INSERT INTO gateway_callbacks (tenant_id, id, gateway, gateway_id, reference, body, times_told, received_at)
           VALUES (':tenant', 'gcb_x', 'real', 'x', 'x', '{}', 1, '2027-02-05Z')""",
    ),
    _by(
        "one_settled_charge_per_invoice",
        ":paid_invoice",
        _attempt("txn_x", ":paid_attempt"),
        _CHARGED % "txn_x",
    ),
    _by("every_charge_has_one_attempt", "x", _CHARGED % "x"),
    _by(
        "attempts_say_what_the_gateway_says",
        ":paid_attempt",
        "UPDATE simulated_charges SET amount_minor = 1 WHERE reference = ':paid_reference'",
    ),
    _by("incoming_payments_stand_in_the_gateways_books", "inc_a", "DELETE FROM simulated_credits"),
    _by(
        "refunds_never_exceed_the_charge",
        ":small_reference",
        "UPDATE simulated_refunds SET charge_reference = ':small_reference'",
    ),
    _by(
        "every_refund_at_the_gateway_is_one_of_ours",
        "x",
        "UPDATE simulated_refunds SET reference = 'x'",
    ),
    _by(
        "nothing_is_unknown_but_what_is_held",
        "txn_x",
        _attempt("txn_x", ":past_due_attempt", check_at="created_at", review_reason="NULL"),
    ),
    _by(
        "no_refund_is_unknown_but_what_is_held",
        "rfd_x",
        _ANOTHER_REFUND % ("1", "NULL", "created_at"),
    ),
    _by(
        "every_event_is_fanned_out",
        ":paid_event",
        "UPDATE events SET dispatched_at = NULL WHERE id = ':paid_event'",
    ),
    _by(
        "every_charge_is_known",
        "txn_x",
        _attempt(
            *("txn_x", ":past_due_attempt"),
            status="'pending'",
            rail="'transfer'",
            review_reason="NULL",
        ),
        _CHARGED % "txn_x",
    ),
    _by(
        "every_credit_is_taken",
        "credit_x",
        """INSERT INTO simulated_credits (tenant_id, id, reference, amount_minor, currency, paid_at)
           VALUES (':tenant', 'credit_x', 'x', 1, 'NGN', '2027-02-05Z')""",
    ),
)
