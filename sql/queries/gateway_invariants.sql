-- name: one_settled_charge_per_invoice
-- Counted in the gateway's books, not in ours.
SELECT a.invoice_id AS row_id, 'was charged ' || count(*) || ' times' AS finding
  FROM simulated_charges c
  JOIN payment_attempts a ON a.tenant_id = $1 AND a.reference = c.reference
 WHERE c.tenant_id = $1
   AND c.status = 'succeeded'
   AND NOT a.is_excess
 GROUP BY a.invoice_id
HAVING count(*) > 1
 ORDER BY a.invoice_id
 LIMIT 100;

-- name: every_charge_has_one_attempt
SELECT c.reference AS row_id, 'was charged and has no attempt' AS finding
  FROM simulated_charges c
 WHERE c.tenant_id = $1
   AND NOT EXISTS (SELECT FROM payment_attempts a
                    WHERE a.tenant_id = $1
                      AND a.reference = c.reference)
 ORDER BY c.reference
 LIMIT 100;

-- name: attempts_say_what_the_gateway_says
SELECT a.id AS row_id,
       'is ' || a.status || ' of ' || a.amount_minor || a.currency || ', at the gateway ' || COALESCE(c.status, 'nothing')
       || ' of ' || COALESCE(c.amount_minor::text, '-') || COALESCE(c.currency, '') AS finding
  FROM payment_attempts a
  LEFT JOIN simulated_charges c ON c.tenant_id = $1 AND c.reference = a.reference
 WHERE a.tenant_id = $1
   AND a.rail IN ('card', 'direct_debit')
   AND (a.status = 'succeeded'
        AND (c.status, c.amount_minor, c.currency) IS DISTINCT FROM ('succeeded', a.amount_minor, a.currency)
        OR a.status = 'failed'
       AND c.status = 'succeeded')
 ORDER BY a.id
 LIMIT 100;

-- name: incoming_payments_stand_in_the_gateways_books
SELECT n.id AS row_id,
       'is ' || n.amount_minor || n.currency || ', at the gateway ' || COALESCE(c.amount_minor || c.currency, 'nothing')
       AS finding
  FROM incoming_payments n
  LEFT JOIN simulated_credits c ON c.tenant_id = $1 AND c.id = n.gateway_id
 WHERE n.tenant_id = $1
   AND n.gateway = 'simulated'
   AND (c.amount_minor, c.currency) IS DISTINCT FROM (n.amount_minor, n.currency)
 ORDER BY n.id
 LIMIT 100;

-- name: refunds_never_exceed_the_charge
SELECT c.reference AS row_id, 'of ' || c.amount_minor || ' gave back ' || sum(r.amount_minor) AS finding
  FROM simulated_refunds r
  JOIN simulated_charges c ON c.tenant_id = $1 AND c.reference = r.charge_reference
 WHERE r.tenant_id = $1
   AND r.status = 'succeeded'
 GROUP BY c.reference, c.amount_minor
HAVING sum(r.amount_minor) > c.amount_minor
 ORDER BY c.reference
 LIMIT 100;

-- name: every_refund_at_the_gateway_is_one_of_ours
SELECT g.reference AS row_id, 'gave back ' || g.amount_minor || ', ours is ' || COALESCE(r.status, 'missing') AS finding
  FROM simulated_refunds g
  LEFT JOIN refunds r
    ON r.tenant_id = $1 AND r.reference = g.reference AND (r.amount_minor, r.currency) = (g.amount_minor, g.currency)
 WHERE g.tenant_id = $1
   AND (r.id IS NULL
        OR r.status = 'failed' AND g.status = 'succeeded'
        OR r.status = 'succeeded' AND g.status <> 'succeeded')
 ORDER BY g.reference
 LIMIT 100;

-- name: every_charge_is_known
SELECT c.reference AS row_id, 'was charged, its attempt is ' || a.status AS finding
  FROM simulated_charges c
  JOIN payment_attempts a ON a.tenant_id = $1 AND a.reference = c.reference
 WHERE c.tenant_id = $1
   AND c.status = 'succeeded'
   AND a.status <> 'succeeded'
   AND a.review_reason IS NULL
 ORDER BY c.reference
 LIMIT 100;

-- name: every_credit_is_taken
SELECT c.id AS row_id, c.amount_minor || ' came for ' || c.reference || ' and was not taken' AS finding
  FROM simulated_credits c
 WHERE c.tenant_id = $1
   AND NOT EXISTS (SELECT FROM incoming_payments n
                    WHERE n.tenant_id = $1
                      AND n.gateway = 'simulated'
                      AND n.gateway_id = c.id)
 ORDER BY c.id
 LIMIT 100;
