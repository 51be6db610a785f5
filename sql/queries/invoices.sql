-- How ids and rows come: as in subscriptions.sql.

-- name: insert_invoices
-- $2 rows. A second invoice of one idempotency key is refused by one_invoice_per_period.
INSERT INTO invoices (tenant_id, id, number, subscription_id, customer_id, idempotency_key, amount_minor, currency,
                      lines, status, rail, period_index, period_starts_at, period_ends_at, amount_refunded_minor,
                      paid_at, created_at, received_minor)
SELECT $1, n.*
  FROM json_to_recordset($2::json)
       AS n (id text, number text, subscription_id text, customer_id text, idempotency_key text, amount_minor bigint,
             currency text, lines jsonb, status text, rail text, period_index integer, period_starts_at timestamptz,
             period_ends_at timestamptz, amount_refunded_minor bigint, paid_at timestamptz, created_at timestamptz,
             received_minor bigint);

-- name: save_invoices
-- $2 how many, $3 rows: id, and what changes. The period moves only with a first invoice that is paid late.
UPDATE invoices AS i
   SET status = n.status, rail = n.rail, period_starts_at = n.period_starts_at, period_ends_at = n.period_ends_at,
       amount_refunded_minor = n.amount_refunded_minor, paid_at = n.paid_at, received_minor = n.received_minor
  FROM (SELECT n.*
          FROM (SELECT n.*
                  FROM json_to_recordset($3::json)
                       AS n (id text, status text, rail text, period_starts_at timestamptz,
                             period_ends_at timestamptz, amount_refunded_minor bigint, paid_at timestamptz,
                             received_minor bigint)
                 LIMIT $2::integer) AS n
         LIMIT $2::integer) AS n
 WHERE i.tenant_id = $1
   AND i.id = n.id;

-- name: lock_invoices
-- $2 ids. Lock order: subscription, invoice, schedule, attempt.
SELECT id, number, subscription_id, customer_id, idempotency_key, amount_minor, currency, lines, status, rail,
       period_index, period_starts_at, period_ends_at, amount_refunded_minor, paid_at, created_at, received_minor
  FROM invoices
 WHERE tenant_id = $1
   AND id IN (SELECT unnest($2::text[]) LIMIT cardinality($2::text[]))
 ORDER BY id
   FOR UPDATE;

-- name: lock_open_invoices_of_subscription
-- $2 subscription id; there is one open invoice for each period that nobody paid.
SELECT id, number, subscription_id, customer_id, idempotency_key, amount_minor, currency, lines, status, rail,
       period_index, period_starts_at, period_ends_at, amount_refunded_minor, paid_at, created_at, received_minor
  FROM invoices
 WHERE tenant_id = $1
   AND subscription_id = $2
   AND status = 'open'
 ORDER BY id
 LIMIT 1000
   FOR UPDATE;

-- name: get_invoice
-- $2 id.
SELECT id, number, subscription_id, customer_id, idempotency_key, amount_minor, currency, lines, status, rail,
       period_index, period_starts_at, period_ends_at, amount_refunded_minor, paid_at, created_at, received_minor
  FROM invoices
 WHERE tenant_id = $1
   AND id = $2;

-- name: find_owed_invoice_of_customer
-- $2 customer; the oldest that a subscription waits for.
SELECT i.id, i.number, i.subscription_id, i.customer_id, i.idempotency_key, i.amount_minor, i.currency, i.lines,
       i.status, i.rail, i.period_index, i.period_starts_at, i.period_ends_at, i.amount_refunded_minor, i.paid_at,
       i.created_at, i.received_minor
  FROM invoices i
  JOIN subscriptions s
    ON s.tenant_id = i.tenant_id
   AND s.id = i.subscription_id
   AND s.status IN ('incomplete', 'past_due', 'unpaid')
 WHERE i.tenant_id = $1
   AND i.customer_id = $2
   AND i.status IN ('open', 'uncollectible')
 ORDER BY i.created_at, i.id
 LIMIT 1;

-- name: list_invoices
-- $2 how many, $3 and $4 where the page begins, $5 oldest, $6 status, $7 customer, $8 subscription.
SELECT id, number, subscription_id, customer_id, idempotency_key, amount_minor, currency, lines, status, rail,
       period_index, period_starts_at, period_ends_at, amount_refunded_minor, paid_at, created_at, received_minor
  FROM invoices
 WHERE tenant_id = $1
   AND (created_at, id) < ($3, $4)
   AND created_at >= $5
   AND ($6::text IS NULL OR status = $6)
   AND ($7::text IS NULL OR customer_id = $7)
   AND ($8::text IS NULL OR subscription_id = $8)
 ORDER BY created_at DESC, id DESC
 LIMIT $2;
