-- What a charge needs of several features at once. Each class stands with all its fields, in their order.

-- name: lock_plain_cases
-- $2 subscriptions, $3 an invoice of each, $4 the attempt to pay it, which are locked in this order, subscription by
-- subscription; then the plan, and what read_terms finds. A row that somebody else held is read again when it is free,
-- which what is not locked is not. Subqueries, because a planner that knows of few rows reads all of a tenant for a join.
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
       p.id, p.name, p.amount_minor, p.currency, p.interval, p.interval_count, p.trial_days, p.max_cycles,
       p.allow_multiple, p.archived_at, p.metadata, p.created_at,
       t.time_zone, v.version, v.settings, v.changed_at
  FROM (SELECT n.*
          FROM unnest($2::text[], $3::text[], $4::text[]) AS n (subscription_id, invoice_id, attempt_id)
         ORDER BY n.subscription_id
         LIMIT cardinality($2::text[])) AS n
  JOIN LATERAL (SELECT o.*
                  FROM subscriptions AS o
                 WHERE o.tenant_id = $1
                   AND o.id = n.subscription_id
                   FOR UPDATE) AS s ON true
  JOIN LATERAL (SELECT o.*
                  FROM invoices AS o
                 WHERE o.tenant_id = $1
                   AND o.id = n.invoice_id
                   FOR UPDATE) AS i ON true
  JOIN LATERAL (SELECT o.*
                  FROM payment_attempts AS o
                 WHERE o.tenant_id = $1
                   AND o.id = n.attempt_id
                   FOR UPDATE) AS a ON true
  JOIN LATERAL (SELECT o.*
                  FROM plans AS o
                 WHERE o.tenant_id = $1
                   AND o.id = s.plan_id
                 LIMIT 1) AS p ON true
  JOIN tenants AS t
    ON t.id = $1
  LEFT JOIN LATERAL (SELECT r.version, r.settings, r.changed_at
                       FROM recovery_settings AS r
                      WHERE r.tenant_id = $1
                      ORDER BY r.version DESC
                      LIMIT 1) AS v ON true;

-- name: lock_starts
-- $2 customers, $3 a plan for each. The customers' rows are held, so that two starts for one customer follow each other;
-- the plans, if there are such, and what read_terms finds.
SELECT c.id, c.email, c.phone, c.name, c.merchant_ref, c.blacklisted_at, c.blacklist_reason, c.metadata, c.created_at,
       p.id, p.name, p.amount_minor, p.currency, p.interval, p.interval_count, p.trial_days, p.max_cycles,
       p.allow_multiple, p.archived_at, p.metadata, p.created_at,
       t.time_zone, v.version, v.settings, v.changed_at
  FROM (SELECT n.*
          FROM unnest($2::text[], $3::text[]) AS n (customer_id, plan_id)
         ORDER BY n.customer_id
         LIMIT cardinality($2::text[])) AS n
  JOIN LATERAL (SELECT o.*
                  FROM customers AS o
                 WHERE o.tenant_id = $1
                   AND o.id = n.customer_id
                   FOR UPDATE) AS c ON true
  JOIN LATERAL (SELECT o.*
                  FROM plans AS o
                 WHERE o.tenant_id = $1
                   AND o.id = n.plan_id
                 LIMIT 1) AS p ON true
  JOIN tenants AS t
    ON t.id = $1
  LEFT JOIN LATERAL (SELECT r.version, r.settings, r.changed_at
                       FROM recovery_settings AS r
                      WHERE r.tenant_id = $1
                      ORDER BY r.version DESC
                      LIMIT 1) AS v ON true;

-- name: find_rivals_and_defaults
-- $2 customers, whose rows are held, $3 a plan for each. What find_rival finds, and the customers' default methods; a
-- statement of its own after the lock, so that it sees what the last holder committed.
SELECT n.customer_id AS of,
       (SELECT s.id
          FROM subscriptions AS s
         WHERE s.tenant_id = $1
           AND s.customer_id = n.customer_id
           AND (s.plan_id = n.plan_id AND s.is_exclusive OR s.pending_change ->> 'planId' = n.plan_id)
           AND (s.status IN ('trialing', 'active', 'past_due', 'paused', 'unpaid')
                OR s.status = 'incomplete' AND s.expires_at IS NULL)
         ORDER BY s.id
         LIMIT 1) AS rival,
       m.id, m.customer_id, m.rail, m.token, m.fingerprint, m.brand, m.last4, m.exp_month, m.exp_year, m.is_default,
       m.created_at
  FROM (SELECT n.*
          FROM unnest($2::text[], $3::text[]) AS n (customer_id, plan_id)
         ORDER BY n.customer_id
         LIMIT cardinality($2::text[])) AS n
  LEFT JOIN LATERAL (SELECT o.*
                       FROM payment_methods AS o
                      WHERE o.tenant_id = $1
                        AND o.customer_id = n.customer_id
                        AND o.is_default
                      LIMIT 1) AS m ON true;
