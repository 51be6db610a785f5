-- name: insert_mandate
-- The columns in order. A payment method has one: who comes second finds the first.
INSERT INTO mandates (tenant_id, id, customer_id, payment_method_id, status, check_at, activated_at, ready_at, revoked_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (tenant_id, payment_method_id) DO NOTHING;

-- name: update_mandate
-- $2 id, then what may change.
UPDATE mandates
   SET status = $3, check_at = $4, activated_at = $5, ready_at = $6, revoked_at = $7
 WHERE tenant_id = $1
   AND id = $2;

-- name: find_mandate
-- $2 id.
SELECT id, customer_id, payment_method_id, status, check_at, activated_at, ready_at, revoked_at, created_at
  FROM mandates
 WHERE tenant_id = $1
   AND id = $2;

-- name: lock_mandate
-- $2 id. Whoever hears of a mandate's state, or revokes it, holds the row meanwhile.
SELECT id, customer_id, payment_method_id, status, check_at, activated_at, ready_at, revoked_at, created_at
  FROM mandates
 WHERE tenant_id = $1
   AND id = $2
   FOR UPDATE;

-- name: find_mandates_of_methods
-- $2 payment methods; one_mandate_per_payment_method allows each at most one row.
SELECT id, customer_id, payment_method_id, status, check_at, activated_at, ready_at, revoked_at, created_at
  FROM mandates
 WHERE tenant_id = $1
   AND payment_method_id = ANY($2::text[])
 ORDER BY payment_method_id
 LIMIT cardinality($2::text[]);

-- name: list_mandates_of_customer
-- $2 customer; $3, $4 the page begins below this instant and id, $5 and not before this instant, $6 limit.
SELECT id, customer_id, payment_method_id, status, check_at, activated_at, ready_at, revoked_at, created_at
  FROM mandates
 WHERE tenant_id = $1
   AND customer_id = $2
   AND (created_at, id) < ($3, $4)
   AND created_at >= $5
 ORDER BY created_at DESC, id DESC
 LIMIT $6;

-- name: claim_mandates_to_check
-- $2 business now, $3 limit. A claim lasts a minute of business time, so that no other worker takes it meanwhile.
  WITH due AS (
       SELECT id
         FROM mandates
        WHERE tenant_id = $1
          AND check_at <= $2
        ORDER BY check_at, id
        LIMIT $3
          FOR UPDATE SKIP LOCKED
       )
UPDATE mandates AS m
   SET check_at = $2 + interval '1 minute'
  FROM due
 WHERE m.tenant_id = $1
   AND m.id = due.id
RETURNING m.id, m.customer_id, m.payment_method_id, m.status, m.check_at, m.activated_at, m.ready_at, m.revoked_at, m.created_at;

-- name: list_tenants_with_mandates_to_check
-- scope: all tenants
-- $1 wall now, $2 tenants with a time of their own, $3 those times. As list_tenants_with_attempts_to_reconcile.
  WITH RECURSIVE waiting AS (
       (SELECT tenant_id
          FROM mandates
         WHERE check_at IS NOT NULL
         ORDER BY tenant_id
         LIMIT 1)
       UNION ALL
       SELECT (SELECT m.tenant_id
                 FROM mandates AS m
                WHERE m.check_at IS NOT NULL
                  AND m.tenant_id > w.tenant_id
                ORDER BY m.tenant_id
                LIMIT 1)
         FROM waiting AS w
        WHERE w.tenant_id IS NOT NULL
       )
SELECT w.tenant_id
  FROM waiting AS w
  LEFT JOIN unnest($2::text[], $3::timestamptz[]) AS own (tenant_id, now) ON own.tenant_id = w.tenant_id
 WHERE w.tenant_id IS NOT NULL
   AND (SELECT m.check_at
          FROM mandates AS m
         WHERE m.tenant_id = w.tenant_id
           AND m.check_at IS NOT NULL
         ORDER BY m.check_at, m.id
         LIMIT 1) <= coalesce(own.now, $1)
 ORDER BY w.tenant_id;

-- name: next_mandate_to_check
SELECT check_at
  FROM mandates
 WHERE tenant_id = $1
   AND check_at IS NOT NULL
 ORDER BY check_at, id
 LIMIT 1;
