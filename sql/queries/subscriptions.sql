-- Ids come as `IN (SELECT unnest(…) LIMIT cardinality(…))`: the planner then looks each up by its key. It counts on ten
-- rows otherwise, and on few rows in a tenant, and reads all of a tenant instead.
-- Rows come as one JSON array, which costs a fraction of an array for each column. Of those the planner expects a
-- hundred, and a tenth of what has a limit; so rows to be saved have two.

-- name: insert_subscriptions
-- $2 rows.
INSERT INTO subscriptions (tenant_id, id, customer_id, plan_id, payment_method_id, status, anchor_at, period_index,
                           period_starts_at, period_ends_at, trial_ends_at, cycles_completed, cancel_at_period_end,
                           canceled_at, cancel_reason, balance_minor, scheduled_plan_id, is_exclusive, renews_at,
                           expires_at, reminds_at, last_payment_error, latest_invoice_id, metadata, created_at,
                           promo_code_id, promo_cycles_left, carried_minor, period_price_minor, pending_change)
SELECT $1, n.*
  FROM json_to_recordset($2::json)
       AS n (id text, customer_id text, plan_id text, payment_method_id text, status text, anchor_at timestamptz,
             period_index integer, period_starts_at timestamptz, period_ends_at timestamptz, trial_ends_at timestamptz,
             cycles_completed integer, cancel_at_period_end boolean, canceled_at timestamptz, cancel_reason text,
             balance_minor bigint, scheduled_plan_id text, is_exclusive boolean, renews_at timestamptz,
             expires_at timestamptz, reminds_at timestamptz, last_payment_error jsonb, latest_invoice_id text,
             metadata jsonb, created_at timestamptz, promo_code_id text, promo_cycles_left integer,
             carried_minor bigint, period_price_minor bigint, pending_change jsonb);

-- name: save_subscriptions
-- $2 how many, $3 rows: id, and what changes in a subscription's life.
UPDATE subscriptions AS s
   SET plan_id = n.plan_id, payment_method_id = n.payment_method_id, status = n.status, anchor_at = n.anchor_at,
       period_index = n.period_index, period_starts_at = n.period_starts_at, period_ends_at = n.period_ends_at,
       cycles_completed = n.cycles_completed, cancel_at_period_end = n.cancel_at_period_end,
       canceled_at = n.canceled_at, cancel_reason = n.cancel_reason, balance_minor = n.balance_minor,
       scheduled_plan_id = n.scheduled_plan_id, is_exclusive = n.is_exclusive, renews_at = n.renews_at,
       expires_at = n.expires_at, reminds_at = n.reminds_at, last_payment_error = n.last_payment_error,
       latest_invoice_id = n.latest_invoice_id, metadata = n.metadata, promo_code_id = n.promo_code_id,
       promo_cycles_left = n.promo_cycles_left, carried_minor = n.carried_minor,
       period_price_minor = n.period_price_minor, pending_change = n.pending_change
  FROM (SELECT n.*
          FROM (SELECT n.*
                  FROM json_to_recordset($3::json)
                       AS n (id text, plan_id text, payment_method_id text, status text, anchor_at timestamptz,
                             period_index integer, period_starts_at timestamptz, period_ends_at timestamptz,
                             cycles_completed integer, cancel_at_period_end boolean, canceled_at timestamptz,
                             cancel_reason text, balance_minor bigint, scheduled_plan_id text, is_exclusive boolean,
                             renews_at timestamptz, expires_at timestamptz, reminds_at timestamptz,
                             last_payment_error jsonb, latest_invoice_id text, metadata jsonb, promo_code_id text,
                             promo_cycles_left integer, carried_minor bigint, period_price_minor bigint,
                             pending_change jsonb)
                 LIMIT $2::integer) AS n
         LIMIT $2::integer) AS n
 WHERE s.tenant_id = $1
   AND s.id = n.id;

-- name: insert_balance_entries
-- $2… one array for each column. A balance is in the currency of its subscription's plan, which never changes.
INSERT INTO balance_entries AS b (tenant_id, id, subscription_id, invoice_id, amount_minor, balance_after_minor, reason,
                                  created_at)
SELECT $1, n.*
  FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::timestamptz[]) AS n
RETURNING b.id,
          (SELECT p.currency
             FROM subscriptions s
             JOIN plans p ON p.tenant_id = s.tenant_id AND p.id = s.plan_id
            WHERE s.tenant_id = $1
              AND s.id = b.subscription_id) AS currency;

-- name: get_subscription
-- $2 id.
SELECT id, customer_id, plan_id, payment_method_id, status, anchor_at, period_index, period_starts_at, period_ends_at,
       trial_ends_at, cycles_completed, cancel_at_period_end, canceled_at, cancel_reason, balance_minor,
       scheduled_plan_id, is_exclusive, renews_at, expires_at, reminds_at, last_payment_error, latest_invoice_id,
       metadata, created_at, promo_code_id, promo_cycles_left, carried_minor, period_price_minor, pending_change
  FROM subscriptions
 WHERE tenant_id = $1
   AND id = $2;

-- name: lock_subscriptions
-- $2 ids. Lock order: subscription, invoice, schedule, attempt.
SELECT id, customer_id, plan_id, payment_method_id, status, anchor_at, period_index, period_starts_at, period_ends_at,
       trial_ends_at, cycles_completed, cancel_at_period_end, canceled_at, cancel_reason, balance_minor,
       scheduled_plan_id, is_exclusive, renews_at, expires_at, reminds_at, last_payment_error, latest_invoice_id,
       metadata, created_at, promo_code_id, promo_cycles_left, carried_minor, period_price_minor, pending_change
  FROM subscriptions
 WHERE tenant_id = $1
   AND id IN (SELECT unnest($2::text[]) LIMIT cardinality($2::text[]))
 ORDER BY id
   FOR UPDATE;

-- name: lock_oldest_live_subscription
-- $2 customer id, $3 currency; the oldest that renews or waits for money.
SELECT s.id, s.customer_id, s.plan_id, s.payment_method_id, s.status, s.anchor_at, s.period_index, s.period_starts_at,
       s.period_ends_at, s.trial_ends_at, s.cycles_completed, s.cancel_at_period_end, s.canceled_at, s.cancel_reason,
       s.balance_minor, s.scheduled_plan_id, s.is_exclusive, s.renews_at, s.expires_at, s.reminds_at,
       s.last_payment_error, s.latest_invoice_id, s.metadata, s.created_at, s.promo_code_id, s.promo_cycles_left,
       s.carried_minor, s.period_price_minor, s.pending_change
  FROM subscriptions s
  JOIN plans p
    ON p.tenant_id = s.tenant_id
   AND p.id = s.plan_id
   AND p.currency = $3
 WHERE s.tenant_id = $1
   AND s.customer_id = $2
   AND s.status IN ('trialing', 'active', 'past_due', 'paused', 'unpaid')
 ORDER BY s.created_at, s.id
 LIMIT 1
   FOR UPDATE OF s;

-- name: lock_free_subscriptions
-- $2 ids; those that somebody else holds are left out, so that two workers share the work instead of queueing.
SELECT id, customer_id, plan_id, payment_method_id, status, anchor_at, period_index, period_starts_at, period_ends_at,
       trial_ends_at, cycles_completed, cancel_at_period_end, canceled_at, cancel_reason, balance_minor,
       scheduled_plan_id, is_exclusive, renews_at, expires_at, reminds_at, last_payment_error, latest_invoice_id,
       metadata, created_at, promo_code_id, promo_cycles_left, carried_minor, period_price_minor, pending_change
  FROM subscriptions
 WHERE tenant_id = $1
   AND id IN (SELECT unnest($2::text[]) LIMIT cardinality($2::text[]))
 ORDER BY id
   FOR UPDATE SKIP LOCKED;

-- name: find_ended
-- $2 ids. Which of them are over for good; read right before money is asked for.
SELECT id
  FROM subscriptions
 WHERE tenant_id = $1
   AND id IN (SELECT unnest($2::text[]) LIMIT cardinality($2::text[]))
   AND status IN ('canceled', 'expired', 'incomplete_expired')
 ORDER BY id
 LIMIT cardinality($2::text[]);

-- name: find_rival
-- $2 customer id, $3 plan id, $4 a subscription that is none to itself, or null. A live subscription, one whose first charge is still open, or one that is on its way to
-- the plan because the charge of a change is.
SELECT id
  FROM subscriptions
 WHERE tenant_id = $1
   AND customer_id = $2
   AND id IS DISTINCT FROM $4
   AND (plan_id = $3 AND is_exclusive OR pending_change ->> 'planId' = $3)
   AND (status IN ('trialing', 'active', 'past_due', 'paused', 'unpaid')
        OR status = 'incomplete' AND expires_at IS NULL)
 ORDER BY id
 LIMIT 1;

-- name: list_subscriptions
-- $2 how many, $3 and $4 where the page begins, $5 oldest, $6 status, $7 customer, $8 plan.
SELECT id, customer_id, plan_id, payment_method_id, status, anchor_at, period_index, period_starts_at, period_ends_at,
       trial_ends_at, cycles_completed, cancel_at_period_end, canceled_at, cancel_reason, balance_minor,
       scheduled_plan_id, is_exclusive, renews_at, expires_at, reminds_at, last_payment_error, latest_invoice_id,
       metadata, created_at, promo_code_id, promo_cycles_left, carried_minor, period_price_minor, pending_change
  FROM subscriptions
 WHERE tenant_id = $1
   AND (created_at, id) < ($3, $4)
   AND created_at >= $5
   AND ($6::text IS NULL OR status = $6)
   AND ($7::text IS NULL OR customer_id = $7)
   AND ($8::text IS NULL OR plan_id = $8)
 ORDER BY created_at DESC, id DESC
 LIMIT $2;

-- name: list_going_on
-- $2 customers, $3 limit. What they will be charged for again, soonest first.
SELECT id, customer_id, plan_id, payment_method_id, status, anchor_at, period_index, period_starts_at, period_ends_at,
       trial_ends_at, cycles_completed, cancel_at_period_end, canceled_at, cancel_reason, balance_minor,
       scheduled_plan_id, is_exclusive, renews_at, expires_at, reminds_at, last_payment_error, latest_invoice_id,
       metadata, created_at, promo_code_id, promo_cycles_left, carried_minor, period_price_minor, pending_change
  FROM subscriptions
 WHERE tenant_id = $1
   AND customer_id IN (SELECT unnest($2::text[]) LIMIT cardinality($2::text[]))
   AND status IN ('trialing', 'active', 'past_due')
   AND NOT cancel_at_period_end
 ORDER BY period_ends_at, id
 LIMIT $3;

-- name: claim_due_renewals
-- $2 business time, $3 limit. Oldest first; whoever holds the lock has the claim until it commits.
SELECT id, customer_id, plan_id, payment_method_id, status, anchor_at, period_index, period_starts_at, period_ends_at,
       trial_ends_at, cycles_completed, cancel_at_period_end, canceled_at, cancel_reason, balance_minor,
       scheduled_plan_id, is_exclusive, renews_at, expires_at, reminds_at, last_payment_error, latest_invoice_id,
       metadata, created_at, promo_code_id, promo_cycles_left, carried_minor, period_price_minor, pending_change
  FROM subscriptions
 WHERE tenant_id = $1
   AND renews_at <= $2
 ORDER BY renews_at, id
 LIMIT $3
   FOR UPDATE SKIP LOCKED;

-- name: claim_due_expiries
-- $2 business time, $3 limit.
SELECT id, customer_id, plan_id, payment_method_id, status, anchor_at, period_index, period_starts_at, period_ends_at,
       trial_ends_at, cycles_completed, cancel_at_period_end, canceled_at, cancel_reason, balance_minor,
       scheduled_plan_id, is_exclusive, renews_at, expires_at, reminds_at, last_payment_error, latest_invoice_id,
       metadata, created_at, promo_code_id, promo_cycles_left, carried_minor, period_price_minor, pending_change
  FROM subscriptions
 WHERE tenant_id = $1
   AND expires_at <= $2
 ORDER BY expires_at, id
 LIMIT $3
   FOR UPDATE SKIP LOCKED;

-- name: claim_due_reminders
-- $2 business time, $3 limit.
SELECT id, customer_id, plan_id, payment_method_id, status, anchor_at, period_index, period_starts_at, period_ends_at,
       trial_ends_at, cycles_completed, cancel_at_period_end, canceled_at, cancel_reason, balance_minor,
       scheduled_plan_id, is_exclusive, renews_at, expires_at, reminds_at, last_payment_error, latest_invoice_id,
       metadata, created_at, promo_code_id, promo_cycles_left, carried_minor, period_price_minor, pending_change
  FROM subscriptions
 WHERE tenant_id = $1
   AND reminds_at <= $2
 ORDER BY reminds_at, id
 LIMIT $3
   FOR UPDATE SKIP LOCKED;

-- name: postpone_renewal
-- $2 id, $3 until. A row that fails by itself is set aside, or it would stand before all others for ever.
UPDATE subscriptions
   SET renews_at = $3
 WHERE tenant_id = $1
   AND id = $2
   AND renews_at IS NOT NULL;

-- name: postpone_expiry
-- $2 id, $3 until. As postpone_renewal.
UPDATE subscriptions
   SET expires_at = $3
 WHERE tenant_id = $1
   AND id = $2
   AND expires_at IS NOT NULL;

-- name: lock_on_the_way
-- $2 the last one seen, $3 limit. Those that renew, by id; the rest of them are locked later.
SELECT id, customer_id, plan_id, payment_method_id, status, anchor_at, period_index, period_starts_at, period_ends_at,
       trial_ends_at, cycles_completed, cancel_at_period_end, canceled_at, cancel_reason, balance_minor,
       scheduled_plan_id, is_exclusive, renews_at, expires_at, reminds_at, last_payment_error, latest_invoice_id,
       metadata, created_at, promo_code_id, promo_cycles_left, carried_minor, period_price_minor, pending_change
  FROM subscriptions
 WHERE tenant_id = $1
   AND id > $2
   AND status IN ('trialing', 'active')
 ORDER BY id
 LIMIT $3
   FOR UPDATE;

-- name: plan_reminders
-- $2 ids, $3 when each is reminded, or null. The rows must be locked.
UPDATE subscriptions AS s
   SET reminds_at = n.reminds_at
  FROM unnest($2::text[], $3::timestamptz[]) AS n (id, reminds_at)
 WHERE s.tenant_id = $1
   AND s.id = n.id;

-- name: ask_for_replan
-- $2 business time. One that is under way begins anew.
INSERT INTO reminder_replans (tenant_id, after_id, due_at)
VALUES ($1, '', $2)
    ON CONFLICT ON CONSTRAINT reminder_replans_pkey DO UPDATE SET after_id = '', due_at = excluded.due_at;

-- name: claim_replan
-- $2 business time. Whoever holds the lock goes on with it.
SELECT after_id
  FROM reminder_replans
 WHERE tenant_id = $1
   AND due_at <= $2
   FOR UPDATE SKIP LOCKED;

-- name: advance_replan
-- $2 the last one done.
UPDATE reminder_replans
   SET after_id = $2
 WHERE tenant_id = $1;

-- name: finish_replan
-- Nothing is left to be planned anew.
DELETE FROM reminder_replans
 WHERE tenant_id = $1;

-- name: next_replan
-- When this tenant's reminders are to be planned anew.
SELECT due_at
  FROM reminder_replans
 WHERE tenant_id = $1;

-- name: list_tenants_with_replans
-- scope: all tenants
-- $1 wall time, $2 tenants with a time of their own, $3 those times. Few rows: one for each change under way.
SELECT r.tenant_id
  FROM reminder_replans r
  LEFT JOIN unnest($2::text[], $3::timestamptz[]) AS own (tenant_id, now) ON own.tenant_id = r.tenant_id
 WHERE r.due_at <= COALESCE(own.now, $1::timestamptz)
 ORDER BY r.tenant_id;

-- name: postpone_reminder
-- $2 id, $3 until. As postpone_renewal.
UPDATE subscriptions
   SET reminds_at = $3
 WHERE tenant_id = $1
   AND id = $2
   AND reminds_at IS NOT NULL;

-- name: next_renewal
-- When this tenant's next renewal is due.
SELECT min(renews_at)
  FROM subscriptions
 WHERE tenant_id = $1
   AND renews_at IS NOT NULL;

-- name: next_expiry
-- When this tenant's next unpaid subscription ends.
SELECT min(expires_at)
  FROM subscriptions
 WHERE tenant_id = $1
   AND expires_at IS NOT NULL;

-- name: next_reminder
-- When this tenant's next reminder is due.
SELECT min(reminds_at)
  FROM subscriptions
 WHERE tenant_id = $1
   AND reminds_at IS NOT NULL;

-- name: list_tenants_with_due_renewals
-- scope: all tenants
-- $1 wall time, $2 tenants with a time of their own, $3 those times. Steps from tenant to tenant over the partial
-- index, so that it costs tenants and not rows.
WITH RECURSIVE tenant (tenant_id) AS (
    (SELECT tenant_id FROM subscriptions WHERE renews_at IS NOT NULL ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT s.tenant_id FROM subscriptions s
             WHERE s.renews_at IS NOT NULL AND s.tenant_id > t.tenant_id ORDER BY s.tenant_id LIMIT 1)
      FROM tenant t
     WHERE t.tenant_id IS NOT NULL)
SELECT t.tenant_id
  FROM tenant t
  LEFT JOIN unnest($2::text[], $3::timestamptz[]) AS own (tenant_id, now) ON own.tenant_id = t.tenant_id
 WHERE EXISTS (SELECT FROM subscriptions s
                WHERE s.tenant_id = t.tenant_id AND s.renews_at <= COALESCE(own.now, $1::timestamptz))
 ORDER BY t.tenant_id;

-- name: list_tenants_with_due_expiries
-- scope: all tenants
-- As list_tenants_with_due_renewals.
WITH RECURSIVE tenant (tenant_id) AS (
    (SELECT tenant_id FROM subscriptions WHERE expires_at IS NOT NULL ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT s.tenant_id FROM subscriptions s
             WHERE s.expires_at IS NOT NULL AND s.tenant_id > t.tenant_id ORDER BY s.tenant_id LIMIT 1)
      FROM tenant t
     WHERE t.tenant_id IS NOT NULL)
SELECT t.tenant_id
  FROM tenant t
  LEFT JOIN unnest($2::text[], $3::timestamptz[]) AS own (tenant_id, now) ON own.tenant_id = t.tenant_id
 WHERE EXISTS (SELECT FROM subscriptions s
                WHERE s.tenant_id = t.tenant_id AND s.expires_at <= COALESCE(own.now, $1::timestamptz))
 ORDER BY t.tenant_id;

-- name: list_tenants_with_due_reminders
-- scope: all tenants
-- As list_tenants_with_due_renewals.
WITH RECURSIVE tenant (tenant_id) AS (
    (SELECT tenant_id FROM subscriptions WHERE reminds_at IS NOT NULL ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT s.tenant_id FROM subscriptions s
             WHERE s.reminds_at IS NOT NULL AND s.tenant_id > t.tenant_id ORDER BY s.tenant_id LIMIT 1)
      FROM tenant t
     WHERE t.tenant_id IS NOT NULL)
SELECT t.tenant_id
  FROM tenant t
  LEFT JOIN unnest($2::text[], $3::timestamptz[]) AS own (tenant_id, now) ON own.tenant_id = t.tenant_id
 WHERE EXISTS (SELECT FROM subscriptions s
                WHERE s.tenant_id = t.tenant_id AND s.reminds_at <= COALESCE(own.now, $1::timestamptz))
 ORDER BY t.tenant_id;
