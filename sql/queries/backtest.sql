-- name: list_failed_renewals
-- $2 opened from, $3 opened before, $4 currency, $5 how many; newest first. Whoever cancelled a case took it out of
-- anybody's hands, so those are left out.
SELECT d.invoice_id, d.customer_id, d.amount_minor, d.first_failed_at, d.closed_at, i.period_ends_at,
       (c.email IS NOT NULL OR c.phone IS NOT NULL) AS has_contact,
       EXISTS (SELECT FROM virtual_accounts v WHERE v.tenant_id = $1 AND v.customer_id = d.customer_id) AS has_account,
       EXISTS (SELECT FROM payment_methods m
                WHERE m.tenant_id = $1 AND m.customer_id = d.customer_id AND m.rail = 'direct_debit') AS has_mandate,
       EXISTS (SELECT FROM dunning_decisions n
                WHERE n.tenant_id = $1 AND n.schedule_id = d.id AND n.action = 'request_card_update') AS was_asked
  FROM dunning_schedules d
  JOIN invoices i ON i.tenant_id = d.tenant_id AND i.id = d.invoice_id
  JOIN customers c ON c.tenant_id = d.tenant_id AND c.id = d.customer_id
 WHERE d.tenant_id = $1
   AND d.opened_at >= $2
   AND d.opened_at < $3
   AND d.currency = $4
   AND d.state <> 'canceled'
 ORDER BY d.opened_at DESC, d.id DESC
 LIMIT $5;

-- name: list_settled_attempts
-- $2 invoice ids, oldest first; a ladder is short, the limit only bounds it.
SELECT invoice_id, payment_method_id, rail, failure_code, created_at, settled_at
  FROM payment_attempts
 WHERE tenant_id = $1
   AND invoice_id = ANY ($2::text[])
   AND status IN ('succeeded', 'failed')
 ORDER BY created_at, id
 LIMIT 50000;

-- name: list_pulls_of_customers
-- $2 customer ids, $3 since, oldest first: what a payday is learnt from.
SELECT customer_id, rail, failure_category, created_at
  FROM payment_attempts
 WHERE tenant_id = $1
   AND customer_id = ANY ($2::text[])
   AND created_at >= $3
   AND status IN ('succeeded', 'failed')
   AND rail IN ('card', 'direct_debit')
 ORDER BY created_at, id
 LIMIT 100000;
