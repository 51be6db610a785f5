-- How ids and rows come: as in subscriptions.sql.

-- name: find_payment_method
-- $2 id.
SELECT id, customer_id, rail, token, fingerprint, brand, last4, exp_month, exp_year, is_default, created_at
  FROM payment_methods
 WHERE tenant_id = $1
   AND id = $2;

-- name: find_payment_method_by_token
-- $2 the gateway's token.
SELECT id, customer_id, rail, token, fingerprint, brand, last4, exp_month, exp_year, is_default, created_at
  FROM payment_methods
 WHERE tenant_id = $1
   AND token = $2;

-- name: find_payment_methods
-- $2 ids; no more rows than ids.
SELECT id, customer_id, rail, token, fingerprint, brand, last4, exp_month, exp_year, is_default, created_at
  FROM payment_methods
 WHERE tenant_id = $1
   AND id IN (SELECT unnest($2::text[]) LIMIT cardinality($2::text[]))
 ORDER BY id
 LIMIT cardinality($2::text[]);

-- name: find_default_methods
-- $2 customers; one_default_method_per_customer allows each at most one row.
SELECT id, customer_id, rail, token, fingerprint, brand, last4, exp_month, exp_year, is_default, created_at
  FROM payment_methods
 WHERE tenant_id = $1
   AND customer_id = ANY($2::text[])
   AND is_default
 ORDER BY customer_id
 LIMIT cardinality($2::text[]);

-- name: find_debits_of_customers
-- $2 customers. The account that each has an active mandate for; of several the newest.
SELECT DISTINCT ON (p.customer_id) p.id, p.customer_id, p.rail, p.token, p.fingerprint, p.brand, p.last4, p.exp_month, p.exp_year, p.is_default, p.created_at
  FROM payment_methods AS p
  JOIN mandates AS m
    ON m.tenant_id = p.tenant_id
   AND m.payment_method_id = p.id
   AND m.status = 'active'
 WHERE p.tenant_id = $1
   AND p.customer_id = ANY($2::text[])
   AND p.rail = 'direct_debit'
 ORDER BY p.customer_id, p.created_at DESC, p.id DESC
 LIMIT cardinality($2::text[]);

-- name: list_payment_methods
-- $2 customer; $3, $4 the page begins below this instant and id, $5 and not before this instant, $6 limit.
SELECT id, customer_id, rail, token, fingerprint, brand, last4, exp_month, exp_year, is_default, created_at
  FROM payment_methods
 WHERE tenant_id = $1
   AND customer_id = $2
   AND (created_at, id) < ($3, $4)
   AND created_at >= $5
 ORDER BY created_at DESC, id DESC
 LIMIT $6;

-- name: insert_payment_method
-- The columns in order; the customer's first method is the default; $12 when its expiry is looked at. Another transaction may add the same token, or
-- take the default, meanwhile: then nothing is inserted, and a second try sees what that one committed.
INSERT INTO payment_methods (tenant_id, id, customer_id, rail, token, fingerprint, brand, last4, exp_month, exp_year, is_default, created_at, expiry_notice_at)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
       NOT EXISTS (SELECT FROM payment_methods WHERE tenant_id = $1 AND customer_id = $3 AND is_default),
       $11, $12
    ON CONFLICT DO NOTHING;

-- name: clear_default_method
-- $2 customer.
UPDATE payment_methods
   SET is_default = false
 WHERE tenant_id = $1
   AND customer_id = $2
   AND is_default;

-- name: set_default_method
-- $2 customer, $3 id.
UPDATE payment_methods
   SET is_default = true
 WHERE tenant_id = $1
   AND customer_id = $2
   AND id = $3;

-- name: insert_attempts
-- $2 rows.
INSERT INTO payment_attempts (tenant_id, id, invoice_id, subscription_id, customer_id, payment_method_id, purpose, status, amount_minor, currency, rail, reference, failure_code, failure_category, settled_at, check_at, checks, lease_until, review_reason, created_at, fingerprint, is_excess, keeps_method)
SELECT $1, a.*
  FROM json_to_recordset($2::json)
       AS a (id text, invoice_id text, subscription_id text, customer_id text, payment_method_id text, purpose text,
             status text, amount_minor bigint, currency text, rail text, reference text, failure_code text,
             failure_category text, settled_at timestamptz, check_at timestamptz, checks integer,
             lease_until timestamptz, review_reason text, created_at timestamptz, fingerprint text, is_excess boolean,
             keeps_method boolean);

-- name: update_attempts
-- $2 how many, $3 rows: id, and what may change. Only a pending attempt is leased: an outcome, even an unknown one,
-- ends the lease.
UPDATE payment_attempts AS a
   SET status = v.status,
       failure_code = v.failure_code,
       failure_category = v.failure_category,
       settled_at = v.settled_at,
       check_at = v.check_at,
       checks = v.checks,
       lease_until = CASE WHEN v.status = 'pending' THEN v.lease_until END,
       review_reason = v.review_reason,
       is_excess = v.is_excess
  FROM (SELECT v.*
          FROM (SELECT v.*
                  FROM json_to_recordset($3::json)
                       AS v (id text, status text, failure_code text, failure_category text, settled_at timestamptz,
                             check_at timestamptz, checks integer, lease_until timestamptz, review_reason text,
                             is_excess boolean)
                 LIMIT $2::integer) AS v
         LIMIT $2::integer) AS v
 WHERE a.tenant_id = $1
   AND a.id = v.id;

-- name: postpone_attempt
-- $2 id, $3 until. An attempt whose outcome cannot be recorded is set aside, or it would be asked about at every turn.
UPDATE payment_attempts
   SET check_at = $3, lease_until = NULL
 WHERE tenant_id = $1
   AND id = $2
   AND check_at IS NOT NULL;

-- name: hasten_attempt
-- $2 reference, $3 now: the gateway is asked at once about an attempt that waits for its next check.
UPDATE payment_attempts
   SET check_at = $3
 WHERE tenant_id = $1
   AND reference = $2
   AND status IN ('pending', 'unknown')
   AND check_at > $3;

-- name: find_attempt_by_reference
-- $2 reference.
SELECT id, invoice_id, subscription_id, customer_id, payment_method_id, purpose, status, amount_minor, currency, rail, reference, failure_code, failure_category, settled_at, check_at, checks, lease_until, review_reason, created_at, fingerprint, is_excess, keeps_method
  FROM payment_attempts
 WHERE tenant_id = $1
   AND reference = $2;

-- name: find_attempt
-- $2 id.
SELECT id, invoice_id, subscription_id, customer_id, payment_method_id, purpose, status, amount_minor, currency, rail, reference, failure_code, failure_category, settled_at, check_at, checks, lease_until, review_reason, created_at, fingerprint, is_excess, keeps_method
  FROM payment_attempts
 WHERE tenant_id = $1
   AND id = $2;

-- name: find_attempts
-- $2 ids.
SELECT id, invoice_id, subscription_id, customer_id, payment_method_id, purpose, status, amount_minor, currency, rail, reference, failure_code, failure_category, settled_at, check_at, checks, lease_until, review_reason, created_at, fingerprint, is_excess, keeps_method
  FROM payment_attempts
 WHERE tenant_id = $1
   AND id IN (SELECT unnest($2::text[]) LIMIT cardinality($2::text[]))
 ORDER BY id
 LIMIT cardinality($2::text[]);

-- name: lock_attempts
-- $2 ids. In the order of their ids, so that two batches never wait for each other in a circle.
SELECT id, invoice_id, subscription_id, customer_id, payment_method_id, purpose, status, amount_minor, currency, rail, reference, failure_code, failure_category, settled_at, check_at, checks, lease_until, review_reason, created_at, fingerprint, is_excess, keeps_method
  FROM payment_attempts
 WHERE tenant_id = $1
   AND id IN (SELECT unnest($2::text[]) LIMIT cardinality($2::text[]))
 ORDER BY id
 LIMIT cardinality($2::text[])
   FOR UPDATE;

-- name: list_attempts
-- $2, $3 the page begins below this instant and id, $4 and not before this instant, $5 limit; filters or null: $6 status, $7 subscription.
SELECT id, invoice_id, subscription_id, customer_id, payment_method_id, purpose, status, amount_minor, currency, rail, reference, failure_code, failure_category, settled_at, check_at, checks, lease_until, review_reason, created_at, fingerprint, is_excess, keeps_method
  FROM payment_attempts
 WHERE tenant_id = $1
   AND (created_at, id) < ($2, $3)
   AND created_at >= $4
   AND ($6::text IS NULL OR status = $6)
   AND ($7::text IS NULL OR subscription_id = $7)
 ORDER BY created_at DESC, id DESC
 LIMIT $5;

-- name: list_attempts_of_customer
-- As list_attempts, and $8 customer: a plan of its own, because attempts_of_customer finds them.
SELECT id, invoice_id, subscription_id, customer_id, payment_method_id, purpose, status, amount_minor, currency, rail, reference, failure_code, failure_category, settled_at, check_at, checks, lease_until, review_reason, created_at, fingerprint, is_excess, keeps_method
  FROM payment_attempts
 WHERE tenant_id = $1
   AND customer_id = $8
   AND (created_at, id) < ($2, $3)
   AND created_at >= $4
   AND ($6::text IS NULL OR status = $6)
   AND ($7::text IS NULL OR subscription_id = $7)
 ORDER BY created_at DESC, id DESC
 LIMIT $5;

-- name: list_attempts_of_invoice
-- As list_attempts, and $8 customer or null, $9 invoice: a plan of its own, because attempts_of_invoice finds them.
SELECT id, invoice_id, subscription_id, customer_id, payment_method_id, purpose, status, amount_minor, currency, rail, reference, failure_code, failure_category, settled_at, check_at, checks, lease_until, review_reason, created_at, fingerprint, is_excess, keeps_method
  FROM payment_attempts
 WHERE tenant_id = $1
   AND invoice_id = $9
   AND ($8::text IS NULL OR customer_id = $8)
   AND (created_at, id) < ($2, $3)
   AND created_at >= $4
   AND ($6::text IS NULL OR status = $6)
   AND ($7::text IS NULL OR subscription_id = $7)
 ORDER BY created_at DESC, id DESC
 LIMIT $5;

-- name: read_attempts_of_invoice
-- $2 invoice, $3 limit; oldest first.
SELECT id, invoice_id, subscription_id, customer_id, payment_method_id, purpose, status, amount_minor, currency, rail, reference, failure_code, failure_category, settled_at, check_at, checks, lease_until, review_reason, created_at, fingerprint, is_excess, keeps_method
  FROM payment_attempts
 WHERE tenant_id = $1
   AND invoice_id = $2
 ORDER BY created_at, id
 LIMIT $3;

-- name: read_attempts_of_invoices
-- $2 invoices, $3 limit; oldest first.
SELECT id, invoice_id, subscription_id, customer_id, payment_method_id, purpose, status, amount_minor, currency, rail, reference, failure_code, failure_category, settled_at, check_at, checks, lease_until, review_reason, created_at, fingerprint, is_excess, keeps_method
  FROM payment_attempts
 WHERE tenant_id = $1
   AND invoice_id = ANY ($2::text[])
 ORDER BY created_at, id
 LIMIT $3;

-- name: read_money_of_customers
-- $2 customers. When the money was there and when it was not, by charges that nobody had to be present for; of each
-- customer the latest 60, oldest first.
SELECT c.customer_id, a.created_at, a.was_there
  FROM unnest($2::text[]) AS c (customer_id)
 CROSS JOIN LATERAL (
       SELECT id, created_at, status = 'succeeded' AS was_there
         FROM payment_attempts
        WHERE tenant_id = $1
          AND customer_id = c.customer_id
          AND rail IN ('card', 'direct_debit')
          AND (status = 'succeeded' OR failure_category = 'insufficient_funds')
        ORDER BY created_at DESC, id DESC
        LIMIT 60) AS a
 ORDER BY c.customer_id, a.created_at, a.id;

-- name: claim_attempts_to_reconcile
-- $2 business now, $3 wall now, $4 limit. Due are attempts whose check has come, and those whose process died on them
-- (their lease is over) though the tenant's clock stands still. A claim lasts a minute: of wall time by its lease, of
-- business time by its next check, so that no other worker takes it meanwhile and one that dies loses it.
  WITH due AS (
       SELECT id
         FROM payment_attempts
        WHERE tenant_id = $1
          AND status IN ('pending', 'unknown')
          AND (check_at <= $2 OR lease_until < $3)
        ORDER BY check_at, id
        LIMIT $4
          FOR UPDATE SKIP LOCKED
       )
UPDATE payment_attempts AS a
   SET lease_until = $3 + interval '1 minute',
       check_at = greatest(a.check_at, $2 + interval '1 minute')
  FROM due
 WHERE a.tenant_id = $1
   AND a.id = due.id
RETURNING a.id, a.invoice_id, a.subscription_id, a.customer_id, a.payment_method_id, a.purpose, a.status, a.amount_minor, a.currency, a.rail, a.reference, a.failure_code, a.failure_category, a.settled_at, a.check_at, a.checks, a.lease_until, a.review_reason, a.created_at, a.fingerprint, a.is_excess, a.keeps_method;

-- name: list_tenants_with_attempts_to_reconcile
-- scope: all tenants
-- $1 wall now, $2 tenants with a time of their own, $3 those times. Steps from tenant to tenant over the partial index,
-- so it costs tenants with open attempts, not attempts. Where business time is wall time, the check comes as soon as
-- a dead process's lease is over; only where it stands still is the lease asked as well.
-- Scalar subqueries, because an EXISTS may be hashed: that reads every open attempt.
  WITH RECURSIVE open_at AS (
       (SELECT tenant_id
          FROM payment_attempts
         WHERE status IN ('pending', 'unknown')
         ORDER BY tenant_id
         LIMIT 1)
       UNION ALL
       SELECT (SELECT a.tenant_id
                 FROM payment_attempts AS a
                WHERE a.status IN ('pending', 'unknown')
                  AND a.tenant_id > o.tenant_id
                ORDER BY a.tenant_id
                LIMIT 1)
         FROM open_at AS o
        WHERE o.tenant_id IS NOT NULL
       )
SELECT o.tenant_id
  FROM open_at AS o
  LEFT JOIN unnest($2::text[], $3::timestamptz[]) AS own (tenant_id, now) ON own.tenant_id = o.tenant_id
 WHERE o.tenant_id IS NOT NULL
   AND ((SELECT a.check_at
           FROM payment_attempts AS a
          WHERE a.tenant_id = o.tenant_id
            AND a.status IN ('pending', 'unknown')
          ORDER BY a.check_at, a.id
          LIMIT 1) <= coalesce(own.now, $1)
        OR own.now IS NOT NULL
       AND (SELECT a.id
              FROM payment_attempts AS a
             WHERE a.tenant_id = o.tenant_id
               AND a.status IN ('pending', 'unknown')
               AND a.lease_until < $1
             ORDER BY a.check_at, a.id
             LIMIT 1) IS NOT NULL)
 ORDER BY o.tenant_id;

-- name: next_attempt_to_reconcile
SELECT check_at
  FROM payment_attempts
 WHERE tenant_id = $1
   AND status IN ('pending', 'unknown')
   AND check_at IS NOT NULL
 ORDER BY check_at, id
 LIMIT 1;
