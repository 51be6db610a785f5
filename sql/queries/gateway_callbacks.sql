-- name: list_tenants_told_of
-- scope: all tenants
-- $1 what a callback names: the reference of an attempt, or the number of a virtual account; $2 limit.
-- By attempts_by_reference and virtual_accounts_by_number.
SELECT tenant_id
  FROM payment_attempts
 WHERE reference = $1
 UNION
SELECT tenant_id
  FROM virtual_accounts
 WHERE account_number = $1
 ORDER BY tenant_id
 LIMIT $2;

-- name: keep_callback
-- The columns in order but the count. What a gateway tells again under one id is counted; the first body stays.
INSERT INTO gateway_callbacks AS c (tenant_id, id, gateway, gateway_id, reference, body, times_told, received_at)
VALUES ($1, $2, $3, $4, $5, $6, 1, $7)
    ON CONFLICT (tenant_id, gateway, gateway_id) DO UPDATE
   SET times_told = c.times_told + 1
RETURNING c.times_told;
