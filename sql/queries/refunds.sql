-- name: insert_refund
-- The columns in order.
INSERT INTO refunds (tenant_id, id, invoice_id, attempt_id, status, amount_minor, currency, reason, reference,
                     failure_code, check_at, checks, lease_until, review_reason, settled_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16);

-- name: update_refund
-- $2 id, then what changes when an answer comes.
UPDATE refunds
   SET status = $3, failure_code = $4, check_at = $5, checks = $6, lease_until = $7, review_reason = $8,
       settled_at = $9
 WHERE tenant_id = $1
   AND id = $2;

-- name: find_refund
-- $2 id.
SELECT id, invoice_id, attempt_id, status, amount_minor, currency, reason, reference, failure_code, check_at, checks,
       lease_until, review_reason, settled_at, created_at
  FROM refunds
 WHERE tenant_id = $1
   AND id = $2;

-- name: lock_refund
-- $2 id. Lock order: subscription, invoice, schedule, attempt, refund.
SELECT id, invoice_id, attempt_id, status, amount_minor, currency, reason, reference, failure_code, check_at, checks,
       lease_until, review_reason, settled_at, created_at
  FROM refunds
 WHERE tenant_id = $1
   AND id = $2
   FOR UPDATE;

-- name: sum_taken
-- $2 invoice, whose row is held. A refund without an answer may have moved the money, so it counts.
SELECT COALESCE(sum(amount_minor), 0)::bigint
  FROM refunds
 WHERE tenant_id = $1
   AND invoice_id = $2
   AND status <> 'failed';

-- name: list_refunds_of_invoice
-- $2 invoice, $3 limit; newest first.
SELECT id, invoice_id, attempt_id, status, amount_minor, currency, reason, reference, failure_code, check_at, checks,
       lease_until, review_reason, settled_at, created_at
  FROM refunds
 WHERE tenant_id = $1
   AND invoice_id = $2
 ORDER BY created_at DESC, id DESC
 LIMIT $3;

-- name: claim_refunds_to_reconcile
-- $2 business now, $3 wall now, $4 limit. As claim_attempts_to_reconcile.
  WITH due AS (
       SELECT id
         FROM refunds
        WHERE tenant_id = $1
          AND status IN ('pending', 'unknown')
          AND (check_at <= $2 OR lease_until < $3)
        ORDER BY check_at, id
        LIMIT $4
          FOR UPDATE SKIP LOCKED
       )
UPDATE refunds AS r
   SET lease_until = $3 + interval '1 minute',
       check_at = greatest(r.check_at, $2 + interval '1 minute')
  FROM due
 WHERE r.tenant_id = $1
   AND r.id = due.id
RETURNING r.id, r.invoice_id, r.attempt_id, r.status, r.amount_minor, r.currency, r.reason, r.reference,
          r.failure_code, r.check_at, r.checks, r.lease_until, r.review_reason, r.settled_at, r.created_at;

-- name: list_tenants_with_refunds_to_reconcile
-- scope: all tenants
-- $1 wall now, $2 tenants with a time of their own, $3 those times. As list_tenants_with_attempts_to_reconcile.
  WITH RECURSIVE open_at AS (
       (SELECT tenant_id
          FROM refunds
         WHERE status IN ('pending', 'unknown')
         ORDER BY tenant_id
         LIMIT 1)
       UNION ALL
       SELECT (SELECT r.tenant_id
                 FROM refunds AS r
                WHERE r.status IN ('pending', 'unknown')
                  AND r.tenant_id > o.tenant_id
                ORDER BY r.tenant_id
                LIMIT 1)
         FROM open_at AS o
        WHERE o.tenant_id IS NOT NULL
       )
SELECT o.tenant_id
  FROM open_at AS o
  LEFT JOIN unnest($2::text[], $3::timestamptz[]) AS own (tenant_id, now) ON own.tenant_id = o.tenant_id
 WHERE o.tenant_id IS NOT NULL
   AND ((SELECT r.check_at
           FROM refunds AS r
          WHERE r.tenant_id = o.tenant_id
            AND r.status IN ('pending', 'unknown')
          ORDER BY r.check_at, r.id
          LIMIT 1) <= coalesce(own.now, $1)
        OR own.now IS NOT NULL
       AND (SELECT r.id
              FROM refunds AS r
             WHERE r.tenant_id = o.tenant_id
               AND r.status IN ('pending', 'unknown')
               AND r.lease_until < $1
             ORDER BY r.check_at, r.id
             LIMIT 1) IS NOT NULL)
 ORDER BY o.tenant_id;

-- name: next_refund_to_reconcile
SELECT check_at
  FROM refunds
 WHERE tenant_id = $1
   AND status IN ('pending', 'unknown')
   AND check_at IS NOT NULL
 ORDER BY check_at, id
 LIMIT 1;
