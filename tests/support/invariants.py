"""Owns what must be true of a tenant after every step, read from the database below all of our own code."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from duro.billing.states import TRANSITIONS
from duro.kit.modes import Mode
from tests.support.roles import Connection, app_role, connected_as

# Each statement answers the text of its violations; `tenant_id` is filtered by row security.
ALWAYS: Final[Mapping[str, str]] = {
    "one_settled_charge_per_invoice": """
        SELECT a.invoice_id || ' was charged ' || count(*) || ' times'
          FROM simulated_charges c
          JOIN payment_attempts a ON a.reference = c.reference
         WHERE c.status = 'succeeded'
         GROUP BY a.invoice_id
        HAVING count(*) > 1
    """,
    "every_charge_has_one_attempt": """
        SELECT c.reference || ' was charged and has no attempt'
          FROM simulated_charges c
         WHERE NOT EXISTS (SELECT FROM payment_attempts a WHERE a.reference = c.reference)
    """,
    "attempts_say_what_the_gateway_says": """
        SELECT a.id || ' is ' || a.status || ', at the gateway ' || COALESCE(c.status, 'nothing')
               || ' of ' || COALESCE(c.amount_minor::text, '-') || COALESCE(c.currency, '')
          FROM payment_attempts a
          LEFT JOIN simulated_charges c ON c.reference = a.reference
         WHERE a.status = 'succeeded'
           AND (c.status, c.amount_minor, c.currency)
               IS DISTINCT FROM ('succeeded', a.amount_minor, a.currency)
            OR a.status = 'failed'
           AND c.status = 'succeeded'
    """,
    "a_paid_invoice_is_paid_once_and_whole": """
        SELECT i.id || ' is paid by ' || count(a.id) || ' charges'
          FROM invoices i
          LEFT JOIN payment_attempts a ON a.invoice_id = i.id AND a.status = 'succeeded'
         WHERE i.status = 'paid'
         GROUP BY i.id, i.amount_minor
        HAVING count(a.id) <> (i.amount_minor > 0)::integer
            OR COALESCE(sum(a.amount_minor), 0) <> i.amount_minor
    """,
    "money_pays_an_invoice_or_is_to_be_refunded": """
        SELECT a.id || ' succeeded for ' || i.id || ', which is ' || i.status
          FROM payment_attempts a
          JOIN invoices i ON i.id = a.invoice_id
         WHERE a.status = 'succeeded'
           AND i.status <> 'paid'
           AND a.review_reason IS NULL
           AND i.amount_refunded_minor < a.amount_minor
    """,
    "one_open_attempt_per_invoice": """
        SELECT invoice_id || ' has ' || count(*) || ' open attempts'
          FROM payment_attempts
         WHERE status IN ('pending', 'unknown')
         GROUP BY invoice_id
        HAVING count(*) > 1
    """,
    "periods_neither_overlap_nor_leave_a_gap": """
        SELECT later.id || ' starts at ' || later.period_starts_at || ', ' || later.prior_id || ' ended at '
               || later.prior_ends_at
          FROM (SELECT i.*, lag(i.id) OVER w AS prior_id, lag(i.period_index) OVER w AS prior_index,
                       lag(i.period_ends_at) OVER w AS prior_ends_at
                  FROM invoices i
                 -- A merchant who voids what is past due makes a present of its period.
                 WHERE (i.status <> 'void' OR EXISTS (SELECT FROM dunning_schedules d
                                                       WHERE d.invoice_id = i.id AND d.state = 'canceled'))
                   AND i.idempotency_key NOT LIKE 'proration_%'
                WINDOW w AS (PARTITION BY i.subscription_id ORDER BY i.period_starts_at, i.id)) AS later
         WHERE later.period_starts_at < later.prior_ends_at
           AND later.idempotency_key NOT LIKE 'change_%'
            OR later.period_starts_at > later.prior_ends_at
           AND later.idempotency_key LIKE 'renewal_%'
           AND (later.period_index = later.prior_index + 1
                OR NOT EXISTS (SELECT FROM dunning_schedules d
                                WHERE d.invoice_id = later.prior_id AND d.state = 'recovered'))
    """,
    "the_present_period_is_paid": """
        SELECT s.id || ' is in ' || s.period_starts_at || ', which no paid invoice covers'
          FROM subscriptions s
         WHERE s.status = 'active'
           AND NOT EXISTS (SELECT FROM invoices i
                            WHERE i.subscription_id = s.id
                              -- A merchant who voids what is past due makes a present of its period.
                              AND (i.status = 'paid'
                                   OR i.status = 'void'
                                  AND EXISTS (SELECT FROM dunning_schedules d
                                               WHERE d.invoice_id = i.id AND d.state = 'canceled'))
                              AND (i.period_starts_at, i.period_ends_at) = (s.period_starts_at, s.period_ends_at))
           AND NOT EXISTS (SELECT FROM dunning_schedules d
                             JOIN invoices i ON i.id = d.invoice_id
                            WHERE d.subscription_id = s.id AND (d.state = 'recovered' OR i.status = 'void')
                              AND d.closed_at >= i.period_ends_at AND s.period_starts_at >= i.period_ends_at)
    """,
    "every_subscription_goes_on": """
        SELECT s.id || ' is ' || s.status || ' and nothing will happen to it'
          FROM subscriptions s
         WHERE NOT EXISTS (SELECT FROM payment_attempts a
                            WHERE a.subscription_id = s.id AND a.status IN ('pending', 'unknown'))
           AND (s.status IN ('active', 'trialing') AND s.renews_at IS NULL
                OR s.status = 'incomplete' AND s.expires_at IS NULL
                OR s.status = 'past_due'
               AND NOT EXISTS (SELECT FROM dunning_schedules d
                                WHERE d.subscription_id = s.id AND d.next_attempt_at IS NOT NULL))
    """,
    "one_open_case_of_a_past_due_subscription": """
        SELECT s.id || ' is ' || s.status || ' with ' || count(d.id) || ' open cases'
          FROM subscriptions s
          LEFT JOIN dunning_schedules d ON d.subscription_id = s.id AND d.closed_at IS NULL
         GROUP BY s.id, s.status
        HAVING count(d.id) <> (s.status = 'past_due')::integer
           AND NOT (s.status = 'canceled'
                    AND EXISTS (SELECT FROM payment_attempts a
                                 WHERE a.subscription_id = s.id AND a.status IN ('pending', 'unknown')))
    """,
    "a_case_in_flight_has_an_open_attempt": """
        SELECT d.id || ' is in flight and nothing is asked of the gateway'
          FROM dunning_schedules d
         WHERE d.state = 'in_flight'
           AND NOT EXISTS (SELECT FROM payment_attempts a
                            WHERE a.invoice_id = d.invoice_id AND a.status IN ('pending', 'unknown'))
    """,
    "an_open_invoice_is_worked": """
        SELECT i.id || ' is open and ' || s.id || ' is ' || s.status
          FROM invoices i
          JOIN subscriptions s ON s.id = i.subscription_id
         WHERE i.status = 'open'
           AND s.status NOT IN ('incomplete', 'past_due')
           AND NOT EXISTS (SELECT FROM payment_attempts a
                            WHERE a.invoice_id = i.id AND a.status IN ('pending', 'unknown'))
    """,
    "the_ledger_follows_the_cases": """
        SELECT d.id || ' is ' || d.state || ', its ledger says ' || l.entered || ' entered, ' || l.recovered
               || ' recovered, ' || l.lost || ' lost, ' || l.cancelled || ' cancelled'
          FROM dunning_schedules d
          LEFT JOIN LATERAL (
               SELECT COALESCE(sum(amount_minor) FILTER (WHERE movement = 'entered'), 0) AS entered,
                      COALESCE(sum(amount_minor) FILTER (WHERE movement = 'recovered'), 0) AS recovered,
                      COALESCE(sum(amount_minor) FILTER (WHERE movement = 'lost'), 0) AS lost,
                      COALESCE(sum(amount_minor) FILTER (WHERE movement = 'cancelled'), 0) AS cancelled
                 FROM recovery_ledger
                WHERE schedule_id = d.id AND currency = d.currency) AS l ON true
          LEFT JOIN LATERAL (
               SELECT COALESCE(sum(amount_minor), 0) AS back
                 FROM refunds
                WHERE invoice_id = d.invoice_id AND status = 'succeeded') AS r ON true
         WHERE (l.entered, l.recovered, l.lost, l.cancelled) IS DISTINCT FROM
               (d.amount_minor,
                CASE d.state WHEN 'recovered' THEN d.amount_minor - r.back ELSE 0 END,
                CASE d.state WHEN 'exhausted' THEN d.amount_minor ELSE 0 END,
                CASE d.state WHEN 'canceled' THEN d.amount_minor WHEN 'recovered' THEN r.back ELSE 0 END)
    """,
    "the_ledger_balances": """
        SELECT l.currency || ': ' || sum(CASE l.movement WHEN 'entered' THEN l.amount_minor ELSE -l.amount_minor END)
               || ' at risk by the ledger, ' || COALESCE(max(o.amount_minor), 0) || ' by the open cases'
          FROM recovery_ledger l
          LEFT JOIN (SELECT currency, sum(amount_minor) AS amount_minor FROM dunning_schedules
                      WHERE closed_at IS NULL GROUP BY currency) AS o ON o.currency = l.currency
         GROUP BY l.currency
        HAVING sum(CASE l.movement WHEN 'entered' THEN l.amount_minor ELSE -l.amount_minor END)
               <> COALESCE(max(o.amount_minor), 0)
    """,
    "a_balance_is_the_sum_of_its_entries": """
        SELECT s.id || ' has a balance of ' || s.balance_minor || ', its entries come to '
               || COALESCE(sum(b.amount_minor), 0)
          FROM subscriptions s
          LEFT JOIN balance_entries b ON b.subscription_id = s.id
         GROUP BY s.id, s.balance_minor
        HAVING s.balance_minor <> COALESCE(sum(b.amount_minor), 0)
    """,
    "balance_entries_follow_each_other": """
        SELECT b.id || ' leaves ' || b.balance_after_minor || ', the entries so far come to ' || b.so_far
          FROM (SELECT e.*, sum(amount_minor) OVER (PARTITION BY subscription_id ORDER BY id) AS so_far
                  FROM balance_entries e) AS b
         WHERE b.balance_after_minor <> b.so_far
    """,
    "refunds_never_exceed_the_charge": """
        SELECT c.reference || ' of ' || c.amount_minor || ' gave back ' || sum(r.amount_minor)
          FROM simulated_refunds r
          JOIN simulated_charges c ON c.reference = r.charge_reference
         WHERE r.status = 'succeeded'
         GROUP BY c.reference, c.amount_minor
        HAVING sum(r.amount_minor) > c.amount_minor
    """,
    "refunds_in_hand_never_exceed_the_charge": """
        SELECT a.id || ' of ' || a.amount_minor || ' has ' || sum(r.amount_minor) || ' refunded or on the way'
          FROM refunds r
          JOIN payment_attempts a ON a.id = r.attempt_id
         WHERE r.status <> 'failed'
         GROUP BY a.id, a.amount_minor, a.status
        HAVING sum(r.amount_minor) > a.amount_minor OR a.status <> 'succeeded'
    """,
    "every_refund_at_the_gateway_is_one_of_ours": """
        SELECT g.reference || ' gave back ' || g.amount_minor || ', ours is ' || COALESCE(r.status, 'missing')
          FROM simulated_refunds g
          LEFT JOIN refunds r
            ON r.reference = g.reference AND (r.amount_minor, r.currency) = (g.amount_minor, g.currency)
         WHERE r.id IS NULL
            OR r.status = 'failed' AND g.status = 'succeeded'
            OR r.status = 'succeeded' AND g.status <> 'succeeded'
    """,
    "invoices_say_what_was_refunded": """
        SELECT i.id || ' says ' || i.amount_refunded_minor || ' of ' || COALESCE(sum(r.amount_minor), 0)
          FROM invoices i
          LEFT JOIN refunds r ON r.invoice_id = i.id AND r.status = 'succeeded'
         GROUP BY i.id, i.amount_refunded_minor
        HAVING i.amount_refunded_minor <> COALESCE(sum(r.amount_minor), 0)
    """,
    "a_change_that_waits_has_an_open_charge": """
        SELECT s.id || ' waits for ' || (s.pending_change ->> 'invoiceId')
          FROM subscriptions s
         WHERE s.pending_change IS NOT NULL
           AND NOT EXISTS (SELECT FROM payment_attempts a
                            WHERE a.invoice_id = s.pending_change ->> 'invoiceId'
                              AND a.purpose = 'plan_change' AND a.status IN ('pending', 'unknown'))
    """,
    "every_event_reaches_every_endpoint": """
        SELECT e.id || ' has no delivery to ' || w.id
          FROM events e
          JOIN webhook_endpoints w ON cardinality(w.types) = 0 OR e.type = ANY (w.types)
         WHERE e.dispatched_at IS NOT NULL
           AND w.disabled_at IS NULL
           AND w.created_at <= e.created_at
           AND NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.event_id = e.id AND d.endpoint_id = w.id)
    """,
    "redemptions_are_counted": """
        SELECT p.id || ' says ' || p.redeemed_count || ', ' || count(s.id) || ' have it'
          FROM promo_codes p
          LEFT JOIN subscriptions s ON s.promo_code_id = p.id
         GROUP BY p.id, p.redeemed_count
        HAVING p.redeemed_count <> count(s.id)
    """,
    "lines_sum_to_the_amount": """
        SELECT i.id || ' is ' || i.amount_minor || ', its lines are ' || i.lines
          FROM invoices i
         WHERE i.amount_minor <> (SELECT sum((line ->> 'amount')::bigint)
                                    FROM jsonb_array_elements(i.lines) AS line)
    """,
    "created_is_told_once": """
        SELECT s.id || ' was announced ' || count(e.id) || ' times'
          FROM subscriptions s
          LEFT JOIN events e ON e.object_id = s.id AND e.type = 'subscription_created'
         GROUP BY s.id
        HAVING count(e.id) <> 1
    """,
}
# True only when nothing is under way: after an advance, or once the worker has caught up.
AT_REST: Final[Mapping[str, str]] = {
    "nothing_is_unknown_but_what_is_held": """
        SELECT id || ' is ' || status
          FROM payment_attempts
         WHERE status IN ('pending', 'unknown')
           AND review_reason IS NULL
    """,
    "every_charge_is_known": """
        SELECT c.reference || ' was charged, its attempt is ' || a.status
          FROM simulated_charges c
          JOIN payment_attempts a ON a.reference = c.reference
         WHERE c.status = 'succeeded'
           AND a.status <> 'succeeded'
           AND a.review_reason IS NULL
    """,
    "no_refund_is_unknown_but_what_is_held": """
        SELECT id || ' is ' || status
          FROM refunds
         WHERE status IN ('pending', 'unknown')
           AND review_reason IS NULL
    """,
    "every_event_is_fanned_out": "SELECT id || ' waits' FROM events WHERE dispatched_at IS NULL",
}
_STATUSES: Final = """
    SELECT object_id, data #>> '{subscription,status}' AS status
      FROM events
     WHERE object_id LIKE 'sub_%'
     ORDER BY object_id, position
"""
_STEPS: Final = {(row.source.value, row.target.value) for row in TRANSITIONS.values()}


async def violations(database_url: str, tenant_id: str, *, is_at_rest: bool = False) -> list[str]:
    """Every broken invariant of a tenant's test mode, as text; an empty list is what is wanted."""
    role = app_role(Mode.TEST)
    async with connected_as(database_url, role, search_path="sandbox,core") as connection:
        await connection.execute("SELECT set_config('duro.tenant', $1, false)", tenant_id)
        # One snapshot, so that work that goes on meanwhile is seen whole or not at all.
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            found = await _broken(connection, ALWAYS)
            if is_at_rest:
                found += await _broken(connection, AT_REST)
            return found + _illegal_steps(await connection.fetch(_STATUSES))


async def _broken(connection: Connection, statements: Mapping[str, str]) -> list[str]:
    found = []
    for name, statement in statements.items():
        rows = await connection.fetch(statement)
        found += [f"{name}: {row[0]}" for row in rows]
    return found


def _illegal_steps(rows: list[Mapping[str, Any]]) -> list[str]:
    """Statuses that follow each other in the events of one subscription, outside the table."""
    found = []
    for before, after in pairwise(rows):
        step = (before["status"], after["status"])
        is_step = before["object_id"] == after["object_id"] and step[0] != step[1]
        if is_step and step not in _STEPS:
            found.append(f"no_status_outside_the_table: {after['object_id']} went {step}")
    return found
