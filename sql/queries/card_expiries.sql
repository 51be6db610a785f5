-- name: claim_expiring
-- $2 business time, $3 limit. Methods whose expiry is to be looked at; whoever holds the lock has the claim.
SELECT id, customer_id, rail, token, fingerprint, brand, last4, exp_month, exp_year, is_default, created_at
  FROM payment_methods
 WHERE tenant_id = $1
   AND expiry_notice_at <= $2
 ORDER BY expiry_notice_at, id
 LIMIT $3
   FOR NO KEY UPDATE SKIP LOCKED;

-- name: plan_looks
-- $2 ids, $3 when each is looked at next, or null.
UPDATE payment_methods AS p
   SET expiry_notice_at = n.look_at
  FROM unnest($2::text[], $3::timestamptz[]) AS n (id, look_at)
 WHERE p.tenant_id = $1
   AND p.id = n.id;

-- name: next_look
-- When the next of this tenant's cards is looked at.
SELECT min(expiry_notice_at)
  FROM payment_methods
 WHERE tenant_id = $1
   AND expiry_notice_at IS NOT NULL;

-- name: list_tenants_with_expiring
-- scope: all tenants
-- $1 wall time, $2 tenants with a time of their own, $3 those times. Steps from tenant to tenant over the partial
-- index, so that it costs tenants and not rows.
WITH RECURSIVE tenant (tenant_id) AS (
    (SELECT tenant_id FROM payment_methods WHERE expiry_notice_at IS NOT NULL ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT p.tenant_id FROM payment_methods p
             WHERE p.expiry_notice_at IS NOT NULL AND p.tenant_id > t.tenant_id ORDER BY p.tenant_id LIMIT 1)
      FROM tenant t
     WHERE t.tenant_id IS NOT NULL)
SELECT t.tenant_id
  FROM tenant t
  LEFT JOIN unnest($2::text[], $3::timestamptz[]) AS own (tenant_id, now) ON own.tenant_id = t.tenant_id
 WHERE EXISTS (SELECT FROM payment_methods p
                WHERE p.tenant_id = t.tenant_id AND p.expiry_notice_at <= COALESCE(own.now, $1::timestamptz))
 ORDER BY t.tenant_id;
