-- name: insert_requests
-- One array per column. The request of an attempt is made once, however often the gateway answers it.
INSERT INTO payment_requests (tenant_id, id, attempt_id, invoice_id, subscription_id, customer_id, rail, status, amount_minor, received_minor, currency, reference, details, expires_at, closed_at, created_at)
SELECT $1, r.id, r.attempt_id, r.invoice_id, r.subscription_id, r.customer_id, r.rail, r.status, r.amount_minor, r.received_minor, r.currency, r.reference, r.details, r.expires_at, r.closed_at, r.created_at
  FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::jsonb[], $14::timestamptz[], $15::timestamptz[], $16::timestamptz[])
       AS r (id, attempt_id, invoice_id, subscription_id, customer_id, rail, status, amount_minor, received_minor, currency, reference, details, expires_at, closed_at, created_at)
    ON CONFLICT (tenant_id, attempt_id) DO NOTHING;

-- name: update_requests
-- One array per column: id, then what may change.
UPDATE payment_requests AS r
   SET status = v.status, received_minor = v.received_minor, closed_at = v.closed_at
  FROM unnest($2::text[], $3::text[], $4::bigint[], $5::timestamptz[])
       AS v (id, status, received_minor, closed_at)
 WHERE r.tenant_id = $1
   AND r.id = v.id;

-- name: find_request
-- $2 id.
SELECT id, attempt_id, invoice_id, subscription_id, customer_id, rail, status, amount_minor, received_minor, currency, reference, details, expires_at, closed_at, created_at
  FROM payment_requests
 WHERE tenant_id = $1
   AND id = $2;

-- name: find_request_by_reference
-- $2 reference.
SELECT id, attempt_id, invoice_id, subscription_id, customer_id, rail, status, amount_minor, received_minor, currency, reference, details, expires_at, closed_at, created_at
  FROM payment_requests
 WHERE tenant_id = $1
   AND reference = $2;

-- name: find_requests_of_attempts
-- $2 attempts; one_request_per_attempt allows each at most one row.
SELECT id, attempt_id, invoice_id, subscription_id, customer_id, rail, status, amount_minor, received_minor, currency, reference, details, expires_at, closed_at, created_at
  FROM payment_requests
 WHERE tenant_id = $1
   AND attempt_id = ANY($2::text[])
 ORDER BY attempt_id
 LIMIT cardinality($2::text[]);

-- name: read_requests_of_invoice
-- $2 invoice, $3 limit; oldest first.
SELECT id, attempt_id, invoice_id, subscription_id, customer_id, rail, status, amount_minor, received_minor, currency, reference, details, expires_at, closed_at, created_at
  FROM payment_requests
 WHERE tenant_id = $1
   AND invoice_id = $2
 ORDER BY created_at, id
 LIMIT $3;

-- name: lock_requests_of_invoices
-- $2 invoices, which are locked already, $3 limit. In the order of their ids, so that nobody waits in a circle.
SELECT id, attempt_id, invoice_id, subscription_id, customer_id, rail, status, amount_minor, received_minor, currency, reference, details, expires_at, closed_at, created_at
  FROM payment_requests
 WHERE tenant_id = $1
   AND invoice_id = ANY($2::text[])
 ORDER BY id
 LIMIT $3
   FOR UPDATE;

-- name: list_requests
-- $2, $3 the page begins below this instant and id, $4 and not before this instant, $5 limit; filters or null:
-- $6 status, $7 subscription, $8 customer.
SELECT id, attempt_id, invoice_id, subscription_id, customer_id, rail, status, amount_minor, received_minor, currency, reference, details, expires_at, closed_at, created_at
  FROM payment_requests
 WHERE tenant_id = $1
   AND (created_at, id) < ($2, $3)
   AND created_at >= $4
   AND ($6::text IS NULL OR status = $6)
   AND ($7::text IS NULL OR subscription_id = $7)
   AND ($8::text IS NULL OR customer_id = $8)
 ORDER BY created_at DESC, id DESC
 LIMIT $5;

-- name: list_requests_of_invoice
-- As list_requests, and $9 invoice: a plan of its own, because requests_of_invoice finds them.
SELECT id, attempt_id, invoice_id, subscription_id, customer_id, rail, status, amount_minor, received_minor, currency, reference, details, expires_at, closed_at, created_at
  FROM payment_requests
 WHERE tenant_id = $1
   AND invoice_id = $9
   AND (created_at, id) < ($2, $3)
   AND created_at >= $4
   AND ($6::text IS NULL OR status = $6)
   AND ($7::text IS NULL OR subscription_id = $7)
   AND ($8::text IS NULL OR customer_id = $8)
 ORDER BY created_at DESC, id DESC
 LIMIT $5;
