-- What a charge needs of several features at once. Each class stands with all its fields, in their order.

-- name: lock_plain_case
-- $2 subscription, $3 its invoice, $4 the attempt to pay it, which are locked in this order; then what read_terms finds.
-- A row that somebody else held is read again when it is free, which what is not locked is not.
SELECT s.id, s.customer_id, s.plan_id, s.payment_method_id, s.status, s.anchor_at, s.period_index, s.period_starts_at,
       s.period_ends_at, s.trial_ends_at, s.cycles_completed, s.cancel_at_period_end, s.canceled_at, s.cancel_reason,
       s.balance_minor, s.scheduled_plan_id, s.is_exclusive, s.renews_at, s.expires_at, s.reminds_at,
       s.last_payment_error, s.latest_invoice_id, s.metadata, s.created_at, s.promo_code_id, s.promo_cycles_left,
       s.carried_minor, s.period_price_minor, s.pending_change,
       i.id, i.number, i.subscription_id, i.customer_id, i.idempotency_key, i.amount_minor, i.currency, i.lines,
       i.status, i.rail, i.period_index, i.period_starts_at, i.period_ends_at, i.amount_refunded_minor, i.paid_at,
       i.created_at, i.received_minor,
       a.id, a.invoice_id, a.subscription_id, a.customer_id, a.payment_method_id, a.purpose, a.status, a.amount_minor,
       a.currency, a.rail, a.reference, a.failure_code, a.failure_category, a.settled_at, a.check_at, a.checks,
       a.lease_until, a.review_reason, a.created_at, a.fingerprint, a.is_excess, a.keeps_method,
       t.time_zone, v.version, v.settings, v.changed_at
  FROM subscriptions AS s
  JOIN invoices AS i
    ON i.tenant_id = $1
   AND i.id = $3
  JOIN payment_attempts AS a
    ON a.tenant_id = $1
   AND a.id = $4
  JOIN tenants AS t
    ON t.id = $1
  LEFT JOIN LATERAL (SELECT r.version, r.settings, r.changed_at
                       FROM recovery_settings AS r
                      WHERE r.tenant_id = $1
                      ORDER BY r.version DESC
                      LIMIT 1) AS v ON true
 WHERE s.tenant_id = $1
   AND s.id = $2
   FOR UPDATE OF s, i, a;

-- name: lock_start
-- $2 customer, $3 plan. The customer's row is held, so that two starts for one customer follow each other; the plan, if
-- there is such a one, and what read_terms finds.
SELECT c.id, c.email, c.phone, c.name, c.merchant_ref, c.blacklisted_at, c.blacklist_reason, c.metadata, c.created_at,
       p.id, p.name, p.amount_minor, p.currency, p.interval, p.interval_count, p.trial_days, p.max_cycles,
       p.allow_multiple, p.archived_at, p.metadata, p.created_at,
       t.time_zone, v.version, v.settings, v.changed_at
  FROM customers AS c
  JOIN tenants AS t
    ON t.id = $1
  JOIN plans AS p
    ON p.tenant_id = $1
   AND p.id = $3
  LEFT JOIN LATERAL (SELECT r.version, r.settings, r.changed_at
                       FROM recovery_settings AS r
                      WHERE r.tenant_id = $1
                      ORDER BY r.version DESC
                      LIMIT 1) AS v ON true
 WHERE c.tenant_id = $1
   AND c.id = $2
   FOR UPDATE OF c;

-- name: find_rival_and_default
-- $2 customer, whose row is held, $3 plan. What find_rival finds, and the customer's default method; a statement of its
-- own after the lock, so that it sees what the last holder committed.
SELECT m.id, m.customer_id, m.rail, m.token, m.fingerprint, m.brand, m.last4, m.exp_month, m.exp_year, m.is_default,
       m.created_at,
       (SELECT s.id
          FROM subscriptions AS s
         WHERE s.tenant_id = $1
           AND s.customer_id = $2
           AND (s.plan_id = $3 AND s.is_exclusive OR s.pending_change ->> 'planId' = $3)
           AND (s.status IN ('trialing', 'active', 'past_due', 'paused', 'unpaid')
                OR s.status = 'incomplete' AND s.expires_at IS NULL)
         ORDER BY s.id
         LIMIT 1) AS rival
  FROM (SELECT 1) AS once
  LEFT JOIN payment_methods AS m
    ON m.tenant_id = $1
   AND m.customer_id = $2
   AND m.is_default;
