-- name: insert_checkout_session
-- $2 digest of the token, then one value for each column that is read.
INSERT INTO checkout_sessions (tenant_id, digest, id, kind, status, plan_id, payment_link_id, amount_minor, currency,
                               customer_id, customer_email, customer_phone, promo_code_id, success_url, cancel_url,
                               metadata, expires_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18);

-- name: get_checkout_session
-- $2 id.
SELECT id, kind, status, plan_id, payment_link_id, amount_minor, currency, customer_id, customer_email, customer_phone,
       promo_code_id, success_url, cancel_url, metadata, expires_at, created_at
  FROM checkout_sessions
 WHERE tenant_id = $1
   AND id = $2;
