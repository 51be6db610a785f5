-- name: insert_requests
-- One array per column. The request of an attempt is made once, however often the gateway answers it.
INSERT INTO payment_requests (tenant_id, id, attempt_id, invoice_id, subscription_id, customer_id, rail, status, amount_minor, received_minor, currency, reference, details, expires_at, check_at, closed_at, created_at)
SELECT $1, r.id, r.attempt_id, r.invoice_id, r.subscription_id, r.customer_id, r.rail, r.status, r.amount_minor, r.received_minor, r.currency, r.reference, r.details, r.expires_at, r.check_at, r.closed_at, r.created_at
  FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::jsonb[], $14::timestamptz[], $15::timestamptz[], $16::timestamptz[], $17::timestamptz[])
       AS r (id, attempt_id, invoice_id, subscription_id, customer_id, rail, status, amount_minor, received_minor, currency, reference, details, expires_at, check_at, closed_at, created_at)
    ON CONFLICT (tenant_id, attempt_id) DO NOTHING;

-- name: update_requests
-- One array per column: id, then what may change.
UPDATE payment_requests AS r
   SET status = v.status, received_minor = v.received_minor, check_at = v.check_at, closed_at = v.closed_at
  FROM unnest($2::text[], $3::text[], $4::bigint[], $5::timestamptz[], $6::timestamptz[])
       AS v (id, status, received_minor, check_at, closed_at)
 WHERE r.tenant_id = $1
   AND r.id = v.id;

-- name: postpone_request_check
-- $2 id, $3 until; null ends the looking.
UPDATE payment_requests
   SET check_at = $3
 WHERE tenant_id = $1
   AND id = $2
   AND (status <> 'open' OR $3::timestamptz IS NOT NULL);

-- name: void_requests_of_invoices
-- $2 invoices that are locked, $3 the attempts that settled them, $4 business now, $5 when late money is looked for
-- next: a look that was due sooner stays so.
UPDATE payment_requests
   SET status = 'void', closed_at = $4, check_at = least(check_at, $5)
 WHERE tenant_id = $1
   AND invoice_id = ANY($2::text[])
   AND NOT attempt_id = ANY($3::text[])
   AND status = 'open';

-- name: supersede_attempts
-- $2 invoices that are locked, $3 the attempts that settled them, $4 business now.
UPDATE payment_attempts
   SET status = 'failed', failure_code = 'superseded', settled_at = $4, check_at = NULL, lease_until = NULL
 WHERE tenant_id = $1
   AND invoice_id = ANY($2::text[])
   AND NOT id = ANY($3::text[])
   AND status IN ('pending', 'unknown')
   AND rail IN ('ussd', 'transfer', 'virtual_account');

-- name: find_requests_to_check
-- $2 business now, $3 limit; the longest due first.
SELECT id, attempt_id, invoice_id, subscription_id, customer_id, rail, status, amount_minor, received_minor, currency, reference, details, expires_at, check_at, closed_at, created_at
  FROM payment_requests
 WHERE tenant_id = $1
   AND check_at <= $2
 ORDER BY check_at, id
 LIMIT $3;

-- name: list_tenants_with_requests_to_check
-- scope: all tenants
-- $1 wall now, $2 tenants with a time of their own, $3 those times. As list_tenants_with_attempts_to_reconcile.
  WITH RECURSIVE waiting AS (
       (SELECT tenant_id
          FROM payment_requests
         WHERE check_at IS NOT NULL
         ORDER BY tenant_id
         LIMIT 1)
       UNION ALL
       SELECT (SELECT r.tenant_id
                 FROM payment_requests AS r
                WHERE r.check_at IS NOT NULL
                  AND r.tenant_id > w.tenant_id
                ORDER BY r.tenant_id
                LIMIT 1)
         FROM waiting AS w
        WHERE w.tenant_id IS NOT NULL
       )
SELECT w.tenant_id
  FROM waiting AS w
  LEFT JOIN unnest($2::text[], $3::timestamptz[]) AS own (tenant_id, now) ON own.tenant_id = w.tenant_id
 WHERE w.tenant_id IS NOT NULL
   AND (SELECT r.check_at
          FROM payment_requests AS r
         WHERE r.tenant_id = w.tenant_id
           AND r.check_at IS NOT NULL
         ORDER BY r.check_at, r.id
         LIMIT 1) <= coalesce(own.now, $1)
 ORDER BY w.tenant_id;

-- name: next_request_to_check
SELECT check_at
  FROM payment_requests
 WHERE tenant_id = $1
   AND check_at IS NOT NULL
 ORDER BY check_at, id
 LIMIT 1;

-- name: find_request
-- $2 id.
SELECT id, attempt_id, invoice_id, subscription_id, customer_id, rail, status, amount_minor, received_minor, currency, reference, details, expires_at, check_at, closed_at, created_at
  FROM payment_requests
 WHERE tenant_id = $1
   AND id = $2;

-- name: find_request_by_reference
-- $2 reference.
SELECT id, attempt_id, invoice_id, subscription_id, customer_id, rail, status, amount_minor, received_minor, currency, reference, details, expires_at, check_at, closed_at, created_at
  FROM payment_requests
 WHERE tenant_id = $1
   AND reference = $2;

-- name: find_open_request_of_customer
-- $2 customer, $3 rail; the oldest.
SELECT id, attempt_id, invoice_id, subscription_id, customer_id, rail, status, amount_minor, received_minor, currency, reference, details, expires_at, check_at, closed_at, created_at
  FROM payment_requests
 WHERE tenant_id = $1
   AND customer_id = $2
   AND rail = $3
   AND status = 'open'
 ORDER BY created_at, id
 LIMIT 1;

-- name: find_requests_of_attempts
-- $2 attempts; one_request_per_attempt allows each at most one row.
SELECT id, attempt_id, invoice_id, subscription_id, customer_id, rail, status, amount_minor, received_minor, currency, reference, details, expires_at, check_at, closed_at, created_at
  FROM payment_requests
 WHERE tenant_id = $1
   AND attempt_id = ANY($2::text[])
 ORDER BY attempt_id
 LIMIT cardinality($2::text[]);

-- name: read_requests_of_invoice
-- $2 invoice, $3 limit; oldest first.
SELECT id, attempt_id, invoice_id, subscription_id, customer_id, rail, status, amount_minor, received_minor, currency, reference, details, expires_at, check_at, closed_at, created_at
  FROM payment_requests
 WHERE tenant_id = $1
   AND invoice_id = $2
 ORDER BY created_at, id
 LIMIT $3;

-- name: lock_requests_of_invoices
-- $2 invoices, which are locked already, $3 limit. In the order of their ids, so that nobody waits in a circle.
SELECT id, attempt_id, invoice_id, subscription_id, customer_id, rail, status, amount_minor, received_minor, currency, reference, details, expires_at, check_at, closed_at, created_at
  FROM payment_requests
 WHERE tenant_id = $1
   AND invoice_id = ANY($2::text[])
 ORDER BY id
 LIMIT $3
   FOR UPDATE;

-- name: list_requests
-- $2, $3 the page begins below this instant and id, $4 and not before this instant, $5 limit; filters or null:
-- $6 status, $7 subscription, $8 customer.
SELECT id, attempt_id, invoice_id, subscription_id, customer_id, rail, status, amount_minor, received_minor, currency, reference, details, expires_at, check_at, closed_at, created_at
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
SELECT id, attempt_id, invoice_id, subscription_id, customer_id, rail, status, amount_minor, received_minor, currency, reference, details, expires_at, check_at, closed_at, created_at
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
