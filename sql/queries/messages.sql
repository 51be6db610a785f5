-- name: insert_messages
-- $2 ids, $3 rows, $4 business time. Each once per cause and template, also when the same change is worked on twice, and
-- nothing optional for who opted out.
-- A scalar subquery, because an EXISTS may be hashed: that reads all there is.
INSERT INTO outbox (tenant_id, id, template, customer_id, address, recipient, cause, data, is_reminder, status, send_at,
                    due_at, created_at)
SELECT $1, m.id, m.template, m.customer_id, m.address, COALESCE(m.customer_id, m.address), m.cause, m.data, m.is_reminder,
       'queued', m.send_at, m.send_at, $4
  FROM ROWS FROM (unnest($2::text[]),
                  json_to_recordset($3::json) AS (template text, customer_id text, address text, cause text, data jsonb,
                                                  is_reminder boolean, is_optional boolean, send_at timestamptz))
       AS m (id, template, customer_id, address, cause, data, is_reminder, is_optional, send_at)
 WHERE NOT m.is_optional
    OR (SELECT p.recipient
          FROM message_optouts AS p
         WHERE p.tenant_id = $1
           AND p.recipient = COALESCE(m.customer_id, m.address)) IS NULL
    ON CONFLICT ON CONSTRAINT one_message_per_cause DO NOTHING;

-- name: list_messages
-- $2 and $3 the last message seen (createdAt, id), $4 created since, $5 limit.
SELECT id, template, customer_id, address, cause, data, status, send_at, created_at, due_at, attempts, channel, provider_id,
       last_error, settled_at, receipt, receipt_at, person
  FROM outbox
 WHERE tenant_id = $1
   AND (created_at, id) < ($2, $3)
   AND created_at >= $4
 ORDER BY created_at DESC, id DESC
 LIMIT $5;

-- name: find_message
-- $2 id.
SELECT id, template, customer_id, address, cause, data, status, send_at, created_at, due_at, attempts, channel, provider_id,
       last_error, settled_at, receipt, receipt_at, person
  FROM outbox
 WHERE tenant_id = $1
   AND id = $2;

-- name: list_newest_messages
-- $2 status or null, $3 limit.
SELECT id, template, customer_id, address, cause, data, status, send_at, created_at, due_at, attempts, channel, provider_id,
       last_error, settled_at, receipt, receipt_at, person
  FROM outbox
 WHERE tenant_id = $1
   AND ($2::text IS NULL OR status = $2)
 ORDER BY created_at DESC, id DESC
 LIMIT $3;

-- name: claim_messages
-- $2 business now, $3 wall time, $4 lease until, $5 limit. One whose lease is over was held by a process that died.
WITH due AS (
    SELECT id
      FROM outbox
     WHERE tenant_id = $1
       AND status IN ('queued', 'sending')
       AND due_at <= $2
       AND (lease_until IS NULL OR lease_until <= $3)
     ORDER BY due_at, id
     LIMIT $5
       FOR UPDATE SKIP LOCKED
)
UPDATE outbox AS o
   SET status = 'sending', lease_until = $4
  FROM due
 WHERE o.tenant_id = $1
   AND o.id = due.id
RETURNING o.id, o.template, o.customer_id, o.address, o.cause, o.data, o.status, o.send_at, o.created_at, o.due_at,
          o.attempts, o.channel, o.provider_id, o.last_error, o.settled_at, o.receipt, o.receipt_at, o.person;

-- name: read_letters
-- $2 message ids. What a message speaks of as it stands now: its person, subscription, plan and invoice.
SELECT o.id, c.name AS customer_name, c.email, c.phone, COALESCE(o.data ->> 'language', c.metadata ->> 'language') AS language,
       s.status AS subscription_status, s.cancel_at_period_end, s.period_ends_at, p.name AS plan_name,
       i.number AS invoice_number, i.status AS invoice_status, i.amount_minor, i.received_minor, i.currency,
       (SELECT true FROM message_optouts AS x WHERE x.tenant_id = $1 AND x.recipient = o.recipient) AS has_opted_out
  FROM outbox AS o
  LEFT JOIN customers AS c ON c.tenant_id = $1 AND c.id = o.customer_id
  LEFT JOIN subscriptions AS s ON s.tenant_id = $1 AND s.id = o.data ->> 'subscriptionId'
  LEFT JOIN plans AS p ON p.tenant_id = $1 AND p.id = COALESCE(s.plan_id, o.data ->> 'planId')
  LEFT JOIN invoices AS i ON i.tenant_id = $1 AND i.id = o.data ->> 'invoiceId'
 WHERE o.tenant_id = $1
   AND o.id IN (SELECT unnest($2::text[]) LIMIT cardinality($2::text[]))
 LIMIT cardinality($2::text[]);

-- name: record_messages
-- $2 the lease, $3 business now, then of each message: $4 id, $5 status, $6 attempts used, $7 due next, $8 channel,
-- $9 provider's id, $10 error, $11 the person a reminder counts for and $12 since when. Who lost the claim meanwhile records nothing but that it was sent.
UPDATE outbox AS o
   SET status = r.status,
       attempts = o.attempts + r.attempts_used,
       due_at = COALESCE(r.due_at, o.due_at),
       lease_until = NULL,
       channel = COALESCE(r.channel, o.channel),
       provider_id = COALESCE(r.provider_id, o.provider_id),
       last_error = r.error,
       person = CASE WHEN r.status IN ('queued', 'sent') THEN COALESCE(r.person, o.person) END,
       counted_at = CASE WHEN r.status IN ('queued', 'sent') THEN COALESCE(r.counted_at, o.counted_at) END,
       settled_at = CASE WHEN r.status = 'queued' THEN NULL ELSE $3::timestamptz END
  FROM unnest($4::text[], $5::text[], $6::integer[], $7::timestamptz[], $8::text[], $9::text[], $10::text[],
              $11::text[], $12::timestamptz[])
       AS r (id, status, attempts_used, due_at, channel, provider_id, error, person, counted_at)
 WHERE o.tenant_id = $1
   AND o.id = r.id
   AND o.status IN ('queued', 'sending')
   AND (o.lease_until = $2 OR r.status = 'sent');

-- name: resend_messages
-- $2 ids, $3 business now. Only the dead are sent again; their tries begin anew.
UPDATE outbox
   SET status = 'queued', due_at = $3, attempts = 0, settled_at = NULL
 WHERE tenant_id = $1
   AND id = ANY ($2::text[])
   AND status = 'failed';

-- name: note_receipt
-- $2 provider's id, $3 what it told, $4 when, $5 why it failed, $6 how far each word is: what comes late does not undo
-- what is known, and a failure is the last word.
UPDATE outbox
   SET receipt = $3,
       receipt_at = $4,
       status = CASE WHEN $3 = 'failed' THEN 'failed' ELSE status END,
       last_error = COALESCE($5, last_error)
 WHERE tenant_id = $1
   AND provider_id = $2
   AND status = 'sent'
   AND (receipt IS NULL OR array_position($6::text[], receipt) < array_position($6::text[], $3));

-- name: list_tenants_of_provider_id
-- scope: all tenants
-- $1 what a provider knows a message by, $2 limit. By outbox_by_provider_id.
SELECT DISTINCT tenant_id
  FROM outbox
 WHERE provider_id = $1
 ORDER BY tenant_id
 LIMIT $2;

-- name: list_tenants_to_send
-- scope: all tenants
-- $1 wall time, $2 tenants with a time of their own, $3 those times. One probe of outbox_due for each tenant that has
-- messages to send, however many they are.
WITH RECURSIVE waiting AS (
    (SELECT tenant_id FROM outbox WHERE status IN ('queued', 'sending') ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT o.tenant_id
              FROM outbox AS o
             WHERE o.status IN ('queued', 'sending')
               AND o.tenant_id > w.tenant_id
             ORDER BY o.tenant_id
             LIMIT 1)
      FROM waiting AS w
     WHERE w.tenant_id IS NOT NULL
)
SELECT w.tenant_id
  FROM waiting AS w
  LEFT JOIN unnest($2::text[], $3::timestamptz[]) AS own (tenant_id, now) ON own.tenant_id = w.tenant_id
 WHERE EXISTS (SELECT
                 FROM outbox AS o
                WHERE o.tenant_id = w.tenant_id
                  AND o.status IN ('queued', 'sending')
                  AND o.due_at <= COALESCE(own.now, $1)
                  AND (o.lease_until IS NULL OR o.lease_until <= $1))
 ORDER BY w.tenant_id
 LIMIT 10000;

-- name: find_next_message
-- What another process holds is left to it: it is recorded within seconds, or found when the lease is over.
SELECT due_at
  FROM outbox
 WHERE tenant_id = $1
   AND status IN ('queued', 'sending')
   AND lease_until IS NULL
 ORDER BY due_at, id
 LIMIT 1;

-- name: opt_out
-- $2 message id, $3 business now. Whom that message went to wants no more of those that are not owed.
INSERT INTO message_optouts (tenant_id, recipient, created_at)
SELECT $1, COALESCE(o.recipient, o.customer_id, o.address), $3
  FROM outbox AS o
 WHERE o.tenant_id = $1
   AND o.id = $2
    ON CONFLICT (tenant_id, recipient) DO UPDATE SET created_at = message_optouts.created_at
RETURNING recipient;

-- name: list_overrides
-- $2 limit.
SELECT key, language, channel, subject, body, is_enabled, updated_at
  FROM email_templates
 WHERE tenant_id = $1
 ORDER BY key, language
 LIMIT $2;

-- name: save_override
-- $2 key, $3 language, $4 channel, $5 subject, $6 body, $7 enabled, $8 business now.
INSERT INTO email_templates (tenant_id, key, language, channel, subject, body, is_enabled, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (tenant_id, key, language) DO UPDATE
   SET channel = excluded.channel,
       subject = excluded.subject,
       body = excluded.body,
       is_enabled = excluded.is_enabled,
       updated_at = excluded.updated_at;

-- name: delete_override
-- $2 key, $3 language.
DELETE FROM email_templates
 WHERE tenant_id = $1
   AND key = $2
   AND language = $3;
