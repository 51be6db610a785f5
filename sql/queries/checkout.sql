-- name: insert_checkout_session
-- $2 digest of the token, then one value for each column that is read.
INSERT INTO checkout_sessions (tenant_id, digest, id, kind, status, plan_id, payment_link_id, amount_minor, currency,
                               customer_id, customer_email, customer_phone, promo_code_id, success_url, cancel_url,
                               metadata, expires_at, reminds_at, created_at, person)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
        COALESCE($10, lower($11), $12));

-- name: get_checkout_session
-- $2 id.
SELECT id, kind, status, plan_id, payment_link_id, amount_minor, currency, customer_id, customer_email, customer_phone,
       promo_code_id, success_url, cancel_url, metadata, expires_at, reminds_at, created_at
  FROM checkout_sessions
 WHERE tenant_id = $1
   AND id = $2;

-- name: claim_left
-- $2 business time, $3 limit. Sessions whose reminder is due, and whether the same person has begun another one since;
-- whoever holds the lock has the claim. A scalar subquery, because an EXISTS may be hashed: that reads every session.
SELECT c.id, c.kind, c.status, c.plan_id, c.payment_link_id, c.amount_minor, c.currency, c.customer_id,
       c.customer_email, c.customer_phone, c.promo_code_id, c.success_url, c.cancel_url, c.metadata, c.expires_at,
       c.reminds_at, c.created_at, c.digest,
       (SELECT n.id
          FROM checkout_sessions AS n
         WHERE n.tenant_id = $1
           AND n.person = c.person
           AND (n.created_at, n.id) > (c.created_at, c.id)
         ORDER BY n.created_at, n.id
         LIMIT 1) IS NOT NULL AS is_superseded
  FROM checkout_sessions AS c
 WHERE c.tenant_id = $1
   AND c.reminds_at <= $2
 ORDER BY c.reminds_at, c.id
 LIMIT $3
   FOR UPDATE OF c SKIP LOCKED;

-- name: clear_reminders
-- $2 ids. A session is come back to once.
UPDATE checkout_sessions
   SET reminds_at = NULL
 WHERE tenant_id = $1
   AND id = ANY ($2::text[]);

-- name: next_reminder
-- When this tenant's next session is come back to.
SELECT min(reminds_at)
  FROM checkout_sessions
 WHERE tenant_id = $1
   AND reminds_at IS NOT NULL;

-- name: list_tenants_with_left
-- scope: all tenants
-- $1 wall time, $2 tenants with a time of their own, $3 those times. Steps from tenant to tenant over the partial
-- index, so that it costs tenants and not rows.
WITH RECURSIVE tenant (tenant_id) AS (
    (SELECT tenant_id FROM checkout_sessions WHERE reminds_at IS NOT NULL ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT c.tenant_id FROM checkout_sessions c
             WHERE c.reminds_at IS NOT NULL AND c.tenant_id > t.tenant_id ORDER BY c.tenant_id LIMIT 1)
      FROM tenant t
     WHERE t.tenant_id IS NOT NULL)
SELECT t.tenant_id
  FROM tenant t
  LEFT JOIN unnest($2::text[], $3::timestamptz[]) AS own (tenant_id, now) ON own.tenant_id = t.tenant_id
 WHERE EXISTS (SELECT FROM checkout_sessions c
                WHERE c.tenant_id = t.tenant_id AND c.reminds_at <= COALESCE(own.now, $1::timestamptz))
 ORDER BY t.tenant_id;
