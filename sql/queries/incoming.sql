-- name: insert_incoming
-- The columns in order. What a gateway tells twice under one id is taken once.
INSERT INTO incoming_payments (tenant_id, id, gateway, gateway_id, reference, request_id, invoice_id, subscription_id,
                               customer_id, amount_minor, currency, applied_minor, credited_minor, suspended_minor,
                               received_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
    ON CONFLICT (tenant_id, gateway, gateway_id) DO NOTHING;

-- name: turn_applied_to_credit
-- $2 invoice, which is locked; $3 how much of what was applied to it, the latest first.
  WITH latest AS (
       SELECT id, applied_minor,
              sum(applied_minor) OVER (ORDER BY created_at DESC, id DESC) - applied_minor AS before_minor
         FROM incoming_payments
        WHERE tenant_id = $1
          AND invoice_id = $2
          AND applied_minor > 0
       ), moved AS (
       SELECT id, least(applied_minor, $3::bigint - before_minor) AS amount_minor
         FROM latest
        WHERE before_minor < $3
       )
UPDATE incoming_payments AS p
   SET applied_minor = p.applied_minor - m.amount_minor, credited_minor = p.credited_minor + m.amount_minor
  FROM moved AS m
 WHERE p.tenant_id = $1
   AND p.id = m.id;

-- name: take_applied_back
-- $2 id, $3 how much of what was applied, $4 whether it is credit now, else it is nobody's.
UPDATE incoming_payments
   SET applied_minor = applied_minor - $3,
       credited_minor = credited_minor + CASE WHEN $4 THEN $3 ELSE 0 END,
       suspended_minor = suspended_minor + CASE WHEN $4 THEN 0 ELSE $3 END
 WHERE tenant_id = $1
   AND id = $2;

-- name: find_taken
-- $2 gateway, $3 its ids.
SELECT gateway_id
  FROM incoming_payments
 WHERE tenant_id = $1
   AND gateway = $2
   AND gateway_id = ANY($3::text[])
 ORDER BY gateway_id
 LIMIT cardinality($3::text[]);

-- name: find_incoming
-- $2 ids.
SELECT id, gateway, gateway_id, reference, request_id, invoice_id, subscription_id, customer_id, amount_minor, currency,
       applied_minor, credited_minor, suspended_minor, received_at, created_at
  FROM incoming_payments
 WHERE tenant_id = $1
   AND id = ANY($2::text[])
 ORDER BY id
 LIMIT cardinality($2::text[]);

-- name: insert_suspense
-- One array per column.
INSERT INTO suspense_items (tenant_id, id, incoming_id, attempt_id, invoice_id, subscription_id, customer_id, amount_minor, currency, reason, status, resolution, note, created_at, resolved_at)
SELECT $1, s.id, s.incoming_id, s.attempt_id, s.invoice_id, s.subscription_id, s.customer_id, s.amount_minor, s.currency, s.reason, s.status, s.resolution, s.note, s.created_at, s.resolved_at
  FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::timestamptz[], $15::timestamptz[])
       AS s (id, incoming_id, attempt_id, invoice_id, subscription_id, customer_id, amount_minor, currency, reason, status, resolution, note, created_at, resolved_at);

-- name: update_suspense
-- One array per column: id, then what may change.
UPDATE suspense_items AS s
   SET status = v.status, resolution = v.resolution, note = v.note, resolved_at = v.resolved_at
  FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
       AS v (id, status, resolution, note, resolved_at)
 WHERE s.tenant_id = $1
   AND s.id = v.id;

-- name: find_suspense
-- $2 id.
SELECT id, incoming_id, attempt_id, invoice_id, subscription_id, customer_id, amount_minor, currency, reason, status, resolution, note, created_at, resolved_at
  FROM suspense_items
 WHERE tenant_id = $1
   AND id = $2;

-- name: lock_suspense
-- $2 id. Lock order: subscription, invoice, then this.
SELECT id, incoming_id, attempt_id, invoice_id, subscription_id, customer_id, amount_minor, currency, reason, status, resolution, note, created_at, resolved_at
  FROM suspense_items
 WHERE tenant_id = $1
   AND id = $2
   FOR UPDATE;

-- name: read_open_suspense_of_invoices
-- $2 invoices, which are locked, $3 limit; oldest first. By open_suspense_of_invoice.
SELECT id, incoming_id, attempt_id, invoice_id, subscription_id, customer_id, amount_minor, currency, reason, status, resolution, note, created_at, resolved_at
  FROM suspense_items
 WHERE tenant_id = $1
   AND invoice_id = ANY($2::text[])
   AND status = 'open'
 ORDER BY created_at, id
 LIMIT $3;

-- name: list_suspense
-- $2, $3 the page begins below this instant and id, $4 and not before this instant, $5 limit; filters or null:
-- $6 status, $7 reason.
SELECT id, incoming_id, attempt_id, invoice_id, subscription_id, customer_id, amount_minor, currency, reason, status, resolution, note, created_at, resolved_at
  FROM suspense_items
 WHERE tenant_id = $1
   AND (created_at, id) < ($2, $3)
   AND created_at >= $4
   AND ($6::text IS NULL OR status = $6)
   AND ($7::text IS NULL OR reason = $7)
 ORDER BY created_at DESC, id DESC
 LIMIT $5;
