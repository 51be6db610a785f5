-- name: no_status_outside_the_table
-- $2 and $3 the steps that the table of states has, from and to.
SELECT s.object_id AS row_id, 'went from ' || s.before || ' to ' || s.after AS finding
  FROM (SELECT e.object_id, e.position, e.data #>> '{subscription,status}' AS after,
               lag(e.data #>> '{subscription,status}') OVER (PARTITION BY e.object_id ORDER BY e.position) AS before
          FROM events e
         WHERE e.tenant_id = $1
           AND e.object_id LIKE 'sub\_%') AS s
 WHERE s.before <> s.after
   AND NOT EXISTS (SELECT FROM unnest($2::text[], $3::text[]) AS known (before, after)
                    WHERE known.before = s.before AND known.after = s.after)
 ORDER BY s.position
 LIMIT 100;

-- name: a_paid_invoice_is_paid_whole
SELECT i.id AS row_id, 'is paid, ' || p.paid_minor || ' of ' || i.amount_minor || ' came' AS finding
  FROM invoices i
 CROSS JOIN LATERAL (
       SELECT (SELECT COALESCE(sum(a.amount_minor), 0)
                 FROM payment_attempts a
                WHERE a.tenant_id = $1
                  AND a.invoice_id = i.id
                  AND a.status = 'succeeded'
                  AND a.rail IN ('card', 'direct_debit')
                  AND NOT a.is_excess)
            + (SELECT COALESCE(sum(n.applied_minor), 0)
                 FROM incoming_payments n
                WHERE n.tenant_id = $1
                  AND n.invoice_id = i.id) AS paid_minor) AS p
 WHERE i.tenant_id = $1
   AND i.status = 'paid'
   AND p.paid_minor <> i.amount_minor
 ORDER BY i.id
 LIMIT 100;

-- name: received_stays_within_the_amount
SELECT id AS row_id, 'received ' || received_minor || ' of ' || amount_minor || ' and is ' || status AS finding
  FROM invoices
 WHERE tenant_id = $1
   AND (received_minor < 0
        OR received_minor > amount_minor
        OR received_minor = amount_minor AND amount_minor > 0 AND status IN ('draft', 'open', 'uncollectible'))
 ORDER BY id
 LIMIT 100;

-- name: received_is_what_was_applied
-- Of a paid invoice a part may have become credit, because a charge that was under way brought the whole.
SELECT i.id AS row_id,
       'received ' || i.received_minor || ', ' || COALESCE(sum(n.applied_minor), 0) || ' was applied to it' AS finding
  FROM invoices i
  LEFT JOIN incoming_payments n ON n.tenant_id = $1 AND n.invoice_id = i.id
 WHERE i.tenant_id = $1
   AND i.status <> 'paid'
 GROUP BY i.id, i.received_minor
HAVING i.received_minor <> COALESCE(sum(n.applied_minor), 0)
 ORDER BY i.id
 LIMIT 100;

-- name: money_pays_an_invoice_or_is_to_be_refunded
SELECT a.id AS row_id, 'succeeded for ' || i.id || ', which is ' || i.status AS finding
  FROM payment_attempts a
  JOIN invoices i ON i.tenant_id = $1 AND i.id = a.invoice_id
 WHERE a.tenant_id = $1
   AND a.status = 'succeeded'
   AND NOT a.is_excess
   AND i.status <> 'paid'
   AND a.review_reason IS NULL
   AND i.amount_refunded_minor < a.amount_minor
 ORDER BY a.id
 LIMIT 100;

-- name: one_open_pull_attempt_per_invoice
SELECT invoice_id AS row_id, 'has ' || count(*) || ' open pull attempts' AS finding
  FROM payment_attempts
 WHERE tenant_id = $1
   AND status IN ('pending', 'unknown')
   AND rail IN ('card', 'direct_debit')
 GROUP BY invoice_id
HAVING count(*) > 1
 ORDER BY invoice_id
 LIMIT 100;

-- name: no_open_request_survives_payment
SELECT a.id AS row_id, 'asks for ' || i.id || ' by ' || a.rail || ', which is paid' AS finding
  FROM payment_attempts a
  JOIN invoices i ON i.tenant_id = $1 AND i.id = a.invoice_id
  LEFT JOIN payment_requests r ON r.tenant_id = $1 AND r.attempt_id = a.id
 WHERE a.tenant_id = $1
   AND i.status = 'paid'
   AND a.rail IN ('ussd', 'transfer', 'virtual_account')
   AND (a.status IN ('pending', 'unknown') OR r.status = 'open')
 ORDER BY a.id
 LIMIT 100;

-- name: a_request_follows_its_attempt
SELECT r.id AS row_id, 'is ' || r.status || ', its attempt is ' || a.status AS finding
  FROM payment_requests r
  JOIN payment_attempts a ON a.tenant_id = $1 AND a.id = r.attempt_id
 WHERE r.tenant_id = $1
   AND ((r.status = 'open') <> (a.status IN ('pending', 'unknown')) OR (r.status = 'paid') <> (a.status = 'succeeded'))
 ORDER BY r.id
 LIMIT 100;

-- name: a_request_says_what_came
-- Money in another currency is not what was asked for, so it does not count.
SELECT r.id AS row_id,
       'says that ' || r.received_minor || ' came, it was ' || COALESCE(sum(n.amount_minor), 0) AS finding
  FROM payment_requests r
  LEFT JOIN incoming_payments n ON n.tenant_id = $1 AND n.request_id = r.id AND n.currency = r.currency
 WHERE r.tenant_id = $1
 GROUP BY r.id, r.received_minor
HAVING r.received_minor <> COALESCE(sum(n.amount_minor), 0)
 ORDER BY r.id
 LIMIT 100;

-- name: who_awaits_payment_asks_for_it
SELECT d.id AS row_id, 'waits for a payment that nobody was asked for' AS finding
  FROM dunning_schedules d
 WHERE d.tenant_id = $1
   AND d.state = 'awaiting_customer'
   AND d.next_action = 'await_payment'
   AND NOT EXISTS (SELECT FROM payment_requests r
                    WHERE r.tenant_id = $1
                      AND r.invoice_id = d.invoice_id
                      AND r.status = 'open')
 ORDER BY d.id
 LIMIT 100;

-- name: periods_neither_overlap_nor_leave_a_gap
-- A merchant who voids what is past due makes a present of its period; once that is over, of the time since, which is
-- not billed after a late recovery either.
SELECT later.id AS row_id,
       'starts at ' || later.period_starts_at || ', ' || later.prior_id || ' ended at ' || later.prior_ends_at AS finding
  FROM (SELECT i.id, i.idempotency_key, i.period_index, i.period_starts_at, lag(i.id) OVER w AS prior_id,
               lag(i.period_index) OVER w AS prior_index, lag(i.period_ends_at) OVER w AS prior_ends_at
          FROM invoices i
         WHERE i.tenant_id = $1
           AND (i.status <> 'void' OR EXISTS (SELECT FROM dunning_schedules d
                                               WHERE d.tenant_id = $1
                                                 AND d.invoice_id = i.id
                                                 AND d.state = 'canceled'))
           AND i.idempotency_key NOT LIKE 'proration\_%'
        WINDOW w AS (PARTITION BY i.subscription_id ORDER BY i.period_starts_at, i.id)) AS later
 WHERE later.period_starts_at < later.prior_ends_at
   AND later.idempotency_key NOT LIKE 'change\_%'
    OR later.period_starts_at > later.prior_ends_at
   AND later.idempotency_key LIKE 'renewal\_%'
   AND (later.period_index = later.prior_index + 1
        OR NOT EXISTS (SELECT FROM dunning_schedules d
                        WHERE d.tenant_id = $1
                          AND d.invoice_id = later.prior_id
                          AND d.state IN ('recovered', 'canceled')))
 ORDER BY later.id
 LIMIT 100;

-- name: the_present_period_is_paid
-- A merchant who voids what is past due makes a present of its period.
SELECT s.id AS row_id, 'is in ' || s.period_starts_at || ', which no paid invoice covers' AS finding
  FROM subscriptions s
 WHERE s.tenant_id = $1
   AND s.status = 'active'
   AND NOT EXISTS (SELECT FROM invoices i
                    WHERE i.tenant_id = $1
                      AND i.subscription_id = s.id
                      AND (i.status = 'paid'
                           OR i.status = 'void'
                          AND EXISTS (SELECT FROM dunning_schedules d
                                       WHERE d.tenant_id = $1
                                         AND d.invoice_id = i.id
                                         AND d.state = 'canceled'))
                      AND (i.period_starts_at, i.period_ends_at) = (s.period_starts_at, s.period_ends_at))
   AND NOT EXISTS (SELECT FROM dunning_schedules d
                     JOIN invoices i ON i.tenant_id = $1 AND i.id = d.invoice_id
                    WHERE d.tenant_id = $1
                      AND d.subscription_id = s.id
                      AND (d.state = 'recovered' OR i.status = 'void')
                      AND d.closed_at >= i.period_ends_at
                      AND s.period_starts_at >= i.period_ends_at)
 ORDER BY s.id
 LIMIT 100;

-- name: every_subscription_goes_on
SELECT s.id AS row_id, 'is ' || s.status || ' and nothing will happen to it' AS finding
  FROM subscriptions s
 WHERE s.tenant_id = $1
   AND (s.status IN ('active', 'trialing') AND s.renews_at IS NULL OR s.status = 'incomplete' AND s.expires_at IS NULL)
   AND NOT EXISTS (SELECT FROM payment_attempts a
                    WHERE a.tenant_id = $1
                      AND a.subscription_id = s.id
                      AND a.status IN ('pending', 'unknown'))
 ORDER BY s.id
 LIMIT 100;

-- name: no_past_due_without_a_next_action
SELECT s.id AS row_id, 'is past due and nothing will be tried' AS finding
  FROM subscriptions s
 WHERE s.tenant_id = $1
   AND s.status = 'past_due'
   AND EXISTS (SELECT FROM dunning_schedules d
                WHERE d.tenant_id = $1
                  AND d.subscription_id = s.id
                  AND d.closed_at IS NULL
                  AND d.state <> 'in_flight'
                  AND (d.next_attempt_at IS NULL OR d.next_action IS NULL))
 ORDER BY s.id
 LIMIT 100;

-- name: one_open_case_of_a_past_due_subscription
SELECT s.id AS row_id, 'is ' || s.status || ' with ' || count(d.id) || ' open cases' AS finding
  FROM subscriptions s
  LEFT JOIN dunning_schedules d ON d.tenant_id = $1 AND d.subscription_id = s.id AND d.closed_at IS NULL
 WHERE s.tenant_id = $1
 GROUP BY s.id, s.status
HAVING count(d.id) <> (s.status = 'past_due')::integer
   AND NOT (s.status = 'canceled'
            AND EXISTS (SELECT FROM payment_attempts a
                         WHERE a.tenant_id = $1
                           AND a.subscription_id = s.id
                           AND a.status IN ('pending', 'unknown')))
 ORDER BY s.id
 LIMIT 100;

-- name: a_case_in_flight_has_an_open_attempt
SELECT d.id AS row_id, 'is in flight and nothing is asked of the gateway' AS finding
  FROM dunning_schedules d
 WHERE d.tenant_id = $1
   AND d.state = 'in_flight'
   AND NOT EXISTS (SELECT FROM payment_attempts a
                    WHERE a.tenant_id = $1
                      AND a.invoice_id = d.invoice_id
                      AND a.status IN ('pending', 'unknown'))
 ORDER BY d.id
 LIMIT 100;

-- name: an_open_invoice_is_worked
SELECT i.id AS row_id, 'is open and ' || s.id || ' is ' || s.status AS finding
  FROM invoices i
  JOIN subscriptions s ON s.tenant_id = $1 AND s.id = i.subscription_id
 WHERE i.tenant_id = $1
   AND i.status = 'open'
   AND s.status NOT IN ('incomplete', 'past_due')
   AND NOT EXISTS (SELECT FROM payment_attempts a
                    WHERE a.tenant_id = $1
                      AND a.invoice_id = i.id
                      AND a.status IN ('pending', 'unknown'))
 ORDER BY i.id
 LIMIT 100;

-- name: the_recovery_ledger_follows_the_cases
SELECT d.id AS row_id,
       'is ' || d.state || ', its ledger says ' || l.entered || ' entered, ' || l.recovered || ' recovered, ' || l.lost
       || ' lost, ' || l.cancelled || ' cancelled' AS finding
  FROM dunning_schedules d
 CROSS JOIN LATERAL (
       SELECT COALESCE(sum(m.amount_minor) FILTER (WHERE m.movement = 'entered'), 0) AS entered,
              COALESCE(sum(m.amount_minor) FILTER (WHERE m.movement = 'recovered'), 0) AS recovered,
              COALESCE(sum(m.amount_minor) FILTER (WHERE m.movement = 'lost'), 0) AS lost,
              COALESCE(sum(m.amount_minor) FILTER (WHERE m.movement = 'cancelled'), 0) AS cancelled
         FROM recovery_ledger m
        WHERE m.tenant_id = $1
          AND m.schedule_id = d.id
          AND m.currency = d.currency) AS l
 CROSS JOIN LATERAL (
       SELECT COALESCE(sum(r.amount_minor), 0) AS back
         FROM refunds r
         JOIN payment_attempts a ON a.tenant_id = $1 AND a.id = r.attempt_id
        WHERE r.tenant_id = $1
          AND r.invoice_id = d.invoice_id
          AND r.status = 'succeeded'
          AND NOT a.is_excess) AS b
 WHERE d.tenant_id = $1
   AND (l.entered, l.recovered, l.lost, l.cancelled) IS DISTINCT FROM
       (d.amount_minor,
        CASE d.state WHEN 'recovered' THEN d.amount_minor - b.back ELSE 0 END,
        CASE d.state WHEN 'exhausted' THEN d.amount_minor ELSE 0 END,
        CASE d.state WHEN 'canceled' THEN d.amount_minor WHEN 'recovered' THEN b.back ELSE 0 END)
 ORDER BY d.id
 LIMIT 100;

-- name: the_recovery_ledger_balances
SELECT l.currency AS row_id,
       l.amount_minor || ' at risk by the ledger, ' || COALESCE(o.amount_minor, 0) || ' by the open cases' AS finding
  FROM (SELECT currency,
               sum(CASE movement WHEN 'entered' THEN amount_minor ELSE -amount_minor END) AS amount_minor
          FROM recovery_ledger
         WHERE tenant_id = $1
         GROUP BY currency) AS l
  LEFT JOIN (SELECT currency, sum(amount_minor) AS amount_minor
               FROM dunning_schedules
              WHERE tenant_id = $1
                AND closed_at IS NULL
              GROUP BY currency) AS o ON o.currency = l.currency
 WHERE l.amount_minor <> COALESCE(o.amount_minor, 0)
 ORDER BY l.currency
 LIMIT 100;

-- name: a_balance_is_the_sum_of_its_entries
SELECT s.id AS row_id,
       'has a balance of ' || s.balance_minor || ', its entries come to ' || COALESCE(sum(b.amount_minor), 0) AS finding
  FROM subscriptions s
  LEFT JOIN balance_entries b ON b.tenant_id = $1 AND b.subscription_id = s.id
 WHERE s.tenant_id = $1
 GROUP BY s.id, s.balance_minor
HAVING s.balance_minor <> COALESCE(sum(b.amount_minor), 0)
 ORDER BY s.id
 LIMIT 100;

-- name: balance_entries_follow_each_other
SELECT b.id AS row_id, 'leaves ' || b.balance_after_minor || ', the entries so far come to ' || b.so_far AS finding
  FROM (SELECT id, balance_after_minor, sum(amount_minor) OVER (PARTITION BY subscription_id ORDER BY id) AS so_far
          FROM balance_entries
         WHERE tenant_id = $1) AS b
 WHERE b.balance_after_minor <> b.so_far
 ORDER BY b.id
 LIMIT 100;

-- name: refunds_never_exceed_what_was_captured
SELECT a.id AS row_id,
       'of ' || a.amount_minor || ' is ' || a.status || ' and has ' || sum(r.amount_minor) || ' refunded or on the way'
       AS finding
  FROM refunds r
  JOIN payment_attempts a ON a.tenant_id = $1 AND a.id = r.attempt_id
 WHERE r.tenant_id = $1
   AND r.status <> 'failed'
 GROUP BY a.id, a.amount_minor, a.status
HAVING sum(r.amount_minor) > a.amount_minor
    OR a.status <> 'succeeded'
 ORDER BY a.id
 LIMIT 100;

-- name: invoices_say_what_was_refunded
SELECT i.id AS row_id,
       'says that ' || i.amount_refunded_minor || ' went back, its refunds come to ' || COALESCE(sum(r.amount_minor), 0)
       AS finding
  FROM invoices i
  LEFT JOIN (SELECT f.invoice_id, f.amount_minor
               FROM refunds f
               JOIN payment_attempts a ON a.tenant_id = $1 AND a.id = f.attempt_id
              WHERE f.tenant_id = $1
                AND f.status = 'succeeded'
                AND NOT a.is_excess) AS r ON r.invoice_id = i.id
 WHERE i.tenant_id = $1
 GROUP BY i.id, i.amount_refunded_minor
HAVING i.amount_refunded_minor <> COALESCE(sum(r.amount_minor), 0)
 ORDER BY i.id
 LIMIT 100;

-- name: a_change_that_waits_has_an_open_charge
SELECT s.id AS row_id, 'waits for ' || COALESCE(s.pending_change ->> 'invoiceId', 'nothing') AS finding
  FROM subscriptions s
 WHERE s.tenant_id = $1
   AND s.pending_change IS NOT NULL
   AND NOT EXISTS (SELECT FROM payment_attempts a
                    WHERE a.tenant_id = $1
                      AND a.invoice_id = s.pending_change ->> 'invoiceId'
                      AND a.purpose = 'plan_change'
                      AND a.status IN ('pending', 'unknown'))
 ORDER BY s.id
 LIMIT 100;

-- name: every_event_reaches_every_endpoint
SELECT e.id AS row_id, 'has no delivery to ' || w.id AS finding
  FROM events e
  JOIN webhook_endpoints w ON w.tenant_id = $1 AND (cardinality(w.types) = 0 OR e.type = ANY (w.types))
 WHERE e.tenant_id = $1
   AND e.dispatched_at IS NOT NULL
   AND w.disabled_at IS NULL
   AND COALESCE(w.enabled_at, w.created_at) <= e.created_at
   AND NOT EXISTS (SELECT FROM webhook_deliveries d
                    WHERE d.tenant_id = $1
                      AND d.event_id = e.id
                      AND d.endpoint_id = w.id)
 ORDER BY e.id, w.id
 LIMIT 100;

-- name: redemptions_are_counted
SELECT p.id AS row_id, 'says that ' || p.redeemed_count || ' have it, ' || count(s.id) || ' do' AS finding
  FROM promo_codes p
  LEFT JOIN subscriptions s ON s.tenant_id = $1 AND s.promo_code_id = p.id
 WHERE p.tenant_id = $1
 GROUP BY p.id, p.redeemed_count
HAVING p.redeemed_count <> count(s.id)
 ORDER BY p.id
 LIMIT 100;

-- name: lines_sum_to_the_amount
SELECT i.id AS row_id, 'is ' || i.amount_minor || ', its lines are ' || i.lines AS finding
  FROM invoices i
 WHERE i.tenant_id = $1
   AND i.amount_minor IS DISTINCT FROM (SELECT sum((line ->> 'amount')::numeric)
                                          FROM jsonb_array_elements(i.lines) AS line)
 ORDER BY i.id
 LIMIT 100;

-- name: created_is_told_once
-- Added up and not joined: a planner that expects few events would walk them for each subscription.
SELECT t.id AS row_id, 'was announced ' || sum(t.times) || ' times' AS finding
  FROM (SELECT id, 0 AS times
          FROM subscriptions
         WHERE tenant_id = $1
         UNION ALL
        SELECT object_id, 1
          FROM events
         WHERE tenant_id = $1
           AND type = 'subscription_created') AS t
 GROUP BY t.id
HAVING sum(t.times) <> 1
 ORDER BY t.id
 LIMIT 100;

-- name: every_settled_charge_is_posted
SELECT a.id AS row_id, 'settled ' || a.amount_minor || ' ' || a.currency || ', its entry says '
       || COALESCE(l.amount_minor || ' ' || l.currency, 'nothing') AS finding
  FROM payment_attempts a
  LEFT JOIN ledger_entries l
    ON l.tenant_id = $1 AND l.cause = 'charge' AND l.cause_id = a.id AND l.debit = 'gateway_clearing'
   AND l.credit = 'merchant_payable'
 WHERE a.tenant_id = $1
   AND a.status = 'succeeded'
   AND a.rail IN ('card', 'direct_debit')
   AND NOT a.is_excess
   AND (l.amount_minor, l.currency) IS DISTINCT FROM (a.amount_minor, a.currency)
 ORDER BY a.id
 LIMIT 100;

-- name: every_refund_is_posted
SELECT r.id AS row_id, 'gave ' || r.amount_minor || ' ' || r.currency || ' back, its entry says '
       || COALESCE(l.amount_minor || ' ' || l.currency, 'nothing') AS finding
  FROM refunds r
  LEFT JOIN ledger_entries l
    ON l.tenant_id = $1 AND l.cause = 'refund' AND l.cause_id = r.id AND l.credit = 'gateway_clearing'
 WHERE r.tenant_id = $1
   AND r.status = 'succeeded'
   AND (l.amount_minor, l.currency) IS DISTINCT FROM (r.amount_minor, r.currency)
 ORDER BY r.id
 LIMIT 100;

-- name: every_balance_movement_is_posted
SELECT b.id AS row_id, 'moved ' || b.amount_minor || ', its entry says ' || COALESCE(l.amount_minor::text, 'nothing')
       AS finding
  FROM balance_entries b
  LEFT JOIN ledger_entries l
    ON l.tenant_id = $1 AND l.cause = 'balance' AND l.cause_id = b.id
   AND CASE WHEN b.amount_minor > 0 THEN l.credit ELSE l.debit END = 'customer_credit'
 WHERE b.tenant_id = $1
   AND l.amount_minor IS DISTINCT FROM abs(b.amount_minor)
 ORDER BY b.id
 LIMIT 100;

-- name: gateway_clearing_is_what_came_in
SELECT COALESCE(f.currency, e.currency) AS row_id,
       'the account holds ' || COALESCE(e.amount_minor, 0) || ', ' || COALESCE(f.amount_minor, 0) || ' came in' AS finding
  FROM (SELECT m.currency, sum(m.amount_minor) AS amount_minor
          FROM (SELECT currency, amount_minor
                  FROM payment_attempts
                 WHERE tenant_id = $1
                   AND status = 'succeeded'
                   AND rail IN ('card', 'direct_debit')
                 UNION ALL
                SELECT currency, amount_minor
                  FROM incoming_payments
                 WHERE tenant_id = $1
                   -- What came out of suspense had come in before.
                   AND gateway <> 'suspense'
                 UNION ALL
                SELECT currency, -amount_minor
                  FROM refunds
                 WHERE tenant_id = $1
                   AND status = 'succeeded'
                 UNION ALL
                SELECT currency, -amount_minor
                  FROM suspense_items
                 WHERE tenant_id = $1
                   AND resolution = 'refunded') AS m
         GROUP BY m.currency) AS f
  FULL JOIN (SELECT currency, sum(CASE debit WHEN 'gateway_clearing' THEN amount_minor ELSE -amount_minor END)
                    AS amount_minor
               FROM ledger_entries
              WHERE tenant_id = $1
                AND 'gateway_clearing' IN (debit, credit)
              GROUP BY currency) AS e ON e.currency = f.currency
 WHERE COALESCE(e.amount_minor, 0) <> COALESCE(f.amount_minor, 0)
 ORDER BY row_id
 LIMIT 100;

-- name: customer_credit_is_the_sum_of_balances
SELECT COALESCE(f.currency, e.currency) AS row_id,
       'the account holds ' || COALESCE(e.amount_minor, 0) || ', the balances come to ' || COALESCE(f.amount_minor, 0)
       AS finding
  FROM (SELECT p.currency, sum(s.balance_minor) AS amount_minor
          FROM subscriptions s
          JOIN plans p ON p.tenant_id = $1 AND p.id = s.plan_id
         WHERE s.tenant_id = $1
         GROUP BY p.currency) AS f
  FULL JOIN (SELECT currency, sum(CASE credit WHEN 'customer_credit' THEN amount_minor ELSE -amount_minor END)
                    AS amount_minor
               FROM ledger_entries
              WHERE tenant_id = $1
                AND 'customer_credit' IN (debit, credit)
              GROUP BY currency) AS e ON e.currency = f.currency
 WHERE COALESCE(e.amount_minor, 0) <> COALESCE(f.amount_minor, 0)
 ORDER BY row_id
 LIMIT 100;

-- name: suspense_is_the_sum_of_open_items
SELECT COALESCE(f.currency, e.currency) AS row_id,
       'the account holds ' || COALESCE(e.amount_minor, 0) || ', the open items come to ' || COALESCE(f.amount_minor, 0)
       AS finding
  FROM (SELECT currency, sum(amount_minor) AS amount_minor
          FROM suspense_items
         WHERE tenant_id = $1
           AND status = 'open'
         GROUP BY currency) AS f
  FULL JOIN (SELECT currency, sum(CASE credit WHEN 'suspense' THEN amount_minor ELSE -amount_minor END) AS amount_minor
               FROM ledger_entries
              WHERE tenant_id = $1
                AND 'suspense' IN (debit, credit)
              GROUP BY currency) AS e ON e.currency = f.currency
 WHERE COALESCE(e.amount_minor, 0) <> COALESCE(f.amount_minor, 0)
 ORDER BY row_id
 LIMIT 100;

-- name: the_wallet_account_is_empty
SELECT currency AS row_id,
       'the account holds ' || sum(CASE credit WHEN 'wallet' THEN amount_minor ELSE -amount_minor END) AS finding
  FROM ledger_entries
 WHERE tenant_id = $1
   AND 'wallet' IN (debit, credit)
 GROUP BY currency
 ORDER BY currency
 LIMIT 100;

-- name: nobody_is_reminded_too_often
-- $2 how many reminders one person gets in any 7 days.
SELECT r.id AS row_id, 'is one reminder too many to ' || r.person AS finding
  FROM (SELECT id, person, counted_at, lag(counted_at, $2::integer) OVER (PARTITION BY person ORDER BY counted_at, id) AS prior
          FROM outbox
         WHERE tenant_id = $1
           AND person IS NOT NULL) AS r
 WHERE r.prior > r.counted_at - interval '168 hours'
 ORDER BY r.id
 LIMIT 100;

-- name: amounts_are_integers
-- Of the columns the catalog tells the type; what stands in JSON is looked at.
SELECT c.relname || '.' || a.attname AS row_id, 'is of type ' || format_type(a.atttypid, a.atttypmod) AS finding
  FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid
 WHERE c.relnamespace = current_schema()::regnamespace
   AND c.relkind = 'r'
   AND a.attname LIKE '%\_minor'
   AND NOT a.attisdropped
   AND a.atttypid <> 'bigint'::regtype
 UNION ALL
SELECT i.id, 'has a line of ' || (line ->> 'amount')
  FROM invoices i
 CROSS JOIN LATERAL jsonb_array_elements(i.lines) AS line
 WHERE i.tenant_id = $1
   AND (line ->> 'amount') !~ '^-?[0-9]+$'
 ORDER BY row_id, finding
 LIMIT 100;

-- name: test_and_live_never_mix
-- $2 whether this is the test mode. What the simulated gateway gave out or told is in test mode and nowhere else.
SELECT id AS row_id, 'is of the gateway ' || gateway AS finding
  FROM incoming_payments
 WHERE tenant_id = $1
   AND gateway <> 'suspense'
   AND (gateway = 'simulated') <> $2
 UNION ALL
SELECT id, 'is of the gateway ' || gateway
  FROM gateway_callbacks
 WHERE tenant_id = $1
   AND (gateway = 'simulated') <> $2
 UNION ALL
SELECT id, CASE WHEN $2 THEN 'is a real method' ELSE 'is a simulated method' END
  FROM payment_methods
 WHERE tenant_id = $1
   AND starts_with(token, 'sim_') <> $2
 UNION ALL
SELECT 'simulated_charges', 'the simulated gateway keeps books here'
 WHERE NOT $2
   AND to_regclass('simulated_charges') IS NOT NULL
 ORDER BY row_id, finding
 LIMIT 100;

-- name: nothing_is_unknown_but_what_is_held
SELECT id AS row_id, 'is ' || status AS finding
  FROM payment_attempts
 WHERE tenant_id = $1
   AND rail IN ('card', 'direct_debit')
   AND status IN ('pending', 'unknown')
   AND review_reason IS NULL
 ORDER BY id
 LIMIT 100;

-- name: no_refund_is_unknown_but_what_is_held
SELECT id AS row_id, 'is ' || status AS finding
  FROM refunds
 WHERE tenant_id = $1
   AND status IN ('pending', 'unknown')
   AND review_reason IS NULL
 ORDER BY id
 LIMIT 100;

-- name: every_event_is_fanned_out
SELECT id AS row_id, 'waits' AS finding
  FROM events
 WHERE tenant_id = $1
   AND dispatched_at IS NULL
 ORDER BY id
 LIMIT 100;
