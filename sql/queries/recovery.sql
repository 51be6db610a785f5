-- How ids come: as in subscriptions.sql.

-- name: insert_schedules
-- $2… one array for each column.
INSERT INTO dunning_schedules (tenant_id, id, subscription_id, invoice_id, customer_id, state, amount_minor, currency, rail, failure_code,
       failure_category, attempts_made, attempts_skipped, settings, settings_version, next_action, next_attempt_at, reason,
       first_failed_at, last_pull_at, deadline_at, recovered_by, refund_due_at, opened_at, closed_at)
SELECT $1, n.*
  FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[],
              $10::text[], $11::text[], $12::integer[], $13::integer[], $14::jsonb[], $15::integer[], $16::text[],
              $17::timestamptz[], $18::text[], $19::timestamptz[], $20::timestamptz[], $21::timestamptz[],
              $22::text[], $23::timestamptz[], $24::timestamptz[], $25::timestamptz[]) AS n;

-- name: save_schedules
-- $2 ids, then one array for each column that changes while a case is worked.
UPDATE dunning_schedules AS d
   SET state = n.state, rail = n.rail, failure_code = n.failure_code, failure_category = n.failure_category,
       attempts_made = n.attempts_made, attempts_skipped = n.attempts_skipped, next_action = n.next_action,
       next_attempt_at = n.next_attempt_at, reason = n.reason, last_pull_at = n.last_pull_at, deadline_at = n.deadline_at,
       recovered_by = n.recovered_by, refund_due_at = n.refund_due_at, closed_at = n.closed_at
  FROM (SELECT n.*
          FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::integer[],
                      $9::text[], $10::timestamptz[], $11::text[], $12::timestamptz[], $13::timestamptz[], $14::text[],
                      $15::timestamptz[], $16::timestamptz[])
               AS n (id, state, rail, failure_code, failure_category, attempts_made, attempts_skipped, next_action,
                     next_attempt_at, reason, last_pull_at, deadline_at, recovered_by, refund_due_at, closed_at)
         LIMIT cardinality($2::text[])) AS n
 WHERE d.tenant_id = $1
   AND d.id = n.id;

-- name: insert_decisions
-- $2… one array for each column; the position counts up within its schedule.
INSERT INTO dunning_decisions (tenant_id, schedule_id, position, decided_at, action, rail, next_attempt_at, reason,
                               rule, inputs, settings_version, alternatives, would_change)
SELECT $1, n.schedule_id,
       (SELECT count(*) FROM dunning_decisions d WHERE d.tenant_id = $1 AND d.schedule_id = n.schedule_id) + n.nth,
       n.decided_at, n.action, n.rail, n.next_attempt_at, n.reason, n.rule, n.inputs, n.settings_version,
       n.alternatives, n.would_change
  FROM unnest($2::text[], $3::integer[], $4::timestamptz[], $5::text[], $6::text[], $7::timestamptz[], $8::text[],
              $9::text[], $10::jsonb[], $11::integer[], $12::jsonb[], $13::text[])
       AS n (schedule_id, nth, decided_at, action, rail, next_attempt_at, reason, rule, inputs, settings_version,
             alternatives, would_change);

-- name: insert_ledger
-- $2… one array for each column.
INSERT INTO recovery_ledger (tenant_id, schedule_id, movement, amount_minor, currency, reason, moved_at, cause_id)
SELECT $1, n.*
  FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::timestamptz[], $8::text[]) AS n;

-- name: get_schedule
-- $2 id.
SELECT id, subscription_id, invoice_id, customer_id, state, amount_minor, currency, rail, failure_code,
       failure_category, attempts_made, attempts_skipped, settings, settings_version, next_action, next_attempt_at, reason,
       first_failed_at, last_pull_at, deadline_at, recovered_by, refund_due_at, opened_at, closed_at
  FROM dunning_schedules
 WHERE tenant_id = $1
   AND id = $2;

-- name: find_schedule_of_invoice
-- $2 invoice id.
SELECT id, subscription_id, invoice_id, customer_id, state, amount_minor, currency, rail, failure_code,
       failure_category, attempts_made, attempts_skipped, settings, settings_version, next_action, next_attempt_at, reason,
       first_failed_at, last_pull_at, deadline_at, recovered_by, refund_due_at, opened_at, closed_at
  FROM dunning_schedules
 WHERE tenant_id = $1
   AND invoice_id = $2;

-- name: lock_schedules_of_invoices
-- $2 invoice ids. Lock order: subscription, invoice, schedule, attempt.
SELECT id, subscription_id, invoice_id, customer_id, state, amount_minor, currency, rail, failure_code,
       failure_category, attempts_made, attempts_skipped, settings, settings_version, next_action, next_attempt_at, reason,
       first_failed_at, last_pull_at, deadline_at, recovered_by, refund_due_at, opened_at, closed_at
  FROM dunning_schedules
 WHERE tenant_id = $1
   AND invoice_id IN (SELECT unnest($2::text[]) LIMIT cardinality($2::text[]))
 ORDER BY id
   FOR UPDATE;

-- name: lock_open_schedules_of_subscription
-- $2 subscription id.
SELECT id, subscription_id, invoice_id, customer_id, state, amount_minor, currency, rail, failure_code,
       failure_category, attempts_made, attempts_skipped, settings, settings_version, next_action, next_attempt_at, reason,
       first_failed_at, last_pull_at, deadline_at, recovered_by, refund_due_at, opened_at, closed_at
  FROM dunning_schedules
 WHERE tenant_id = $1
   AND subscription_id = $2
   AND closed_at IS NULL
 ORDER BY id
 LIMIT 100
   FOR UPDATE;

-- name: find_due_schedules
-- $2 business time, $3 limit. Not locked here: the subscription is locked first, then the schedule is read again.
SELECT id, subscription_id, invoice_id
  FROM dunning_schedules
 WHERE tenant_id = $1
   AND next_attempt_at <= $2
 ORDER BY next_attempt_at, id
 LIMIT $3;

-- name: postpone_schedule
-- $2 id, $3 until. A case that fails by itself is set aside, or it would stand before all others for ever.
UPDATE dunning_schedules
   SET next_attempt_at = $3
 WHERE tenant_id = $1
   AND id = $2
   AND next_attempt_at IS NOT NULL;

-- name: next_schedule
-- When this tenant's next case is due.
SELECT min(next_attempt_at)
  FROM dunning_schedules
 WHERE tenant_id = $1
   AND next_attempt_at IS NOT NULL;

-- name: list_decisions
-- $2 schedule id, oldest first; a ladder is short, the limit only bounds it.
SELECT schedule_id, decided_at, action, rail, next_attempt_at, reason, rule, inputs, settings_version,
       alternatives, would_change
  FROM dunning_decisions
 WHERE tenant_id = $1
   AND schedule_id = $2
 ORDER BY position
 LIMIT 500;

-- name: list_schedules
-- $2 how many, $3 and $4 where the page begins, $5 oldest, $6 state, $7 customer, $8 subscription.
SELECT id, subscription_id, invoice_id, customer_id, state, amount_minor, currency, rail, failure_code,
       failure_category, attempts_made, attempts_skipped, settings, settings_version, next_action, next_attempt_at, reason,
       first_failed_at, last_pull_at, deadline_at, recovered_by, refund_due_at, opened_at, closed_at
  FROM dunning_schedules
 WHERE tenant_id = $1
   AND (opened_at, id) < ($3, $4)
   AND opened_at >= $5
   AND ($6::text IS NULL OR state = $6)
   AND ($7::text IS NULL OR customer_id = $7)
   AND ($8::text IS NULL OR subscription_id = $8)
 ORDER BY opened_at DESC, id DESC
 LIMIT $2;

-- name: list_tenants_with_due_schedules
-- scope: all tenants
-- $1 wall time, $2 tenants with a time of their own, $3 those times. Steps from tenant to tenant over the partial
-- index, so that it costs tenants and not rows.
WITH RECURSIVE tenant (tenant_id) AS (
    (SELECT tenant_id FROM dunning_schedules WHERE next_attempt_at IS NOT NULL ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT d.tenant_id FROM dunning_schedules d
             WHERE d.next_attempt_at IS NOT NULL AND d.tenant_id > t.tenant_id ORDER BY d.tenant_id LIMIT 1)
      FROM tenant t
     WHERE t.tenant_id IS NOT NULL)
SELECT t.tenant_id
  FROM tenant t
  LEFT JOIN unnest($2::text[], $3::timestamptz[]) AS own (tenant_id, now) ON own.tenant_id = t.tenant_id
 WHERE EXISTS (SELECT FROM dunning_schedules d
                WHERE d.tenant_id = t.tenant_id AND d.next_attempt_at <= COALESCE(own.now, $1::timestamptz))
 ORDER BY t.tenant_id;

-- name: read_settings
-- The newest version; no row means version 1, the defaults.
SELECT version, settings, changed_at
  FROM recovery_settings
 WHERE tenant_id = $1
 ORDER BY version DESC
 LIMIT 1;

-- name: read_terms
-- The zone of the tenant's own row, and what read_settings finds.
SELECT t.time_zone, v.version, v.settings, v.changed_at
  FROM tenants AS t
  LEFT JOIN LATERAL (SELECT s.version, s.settings, s.changed_at
                       FROM recovery_settings AS s
                      WHERE s.tenant_id = $1
                      ORDER BY s.version DESC
                      LIMIT 1) AS v ON true
 WHERE t.id = $1;

-- name: lock_settings
-- Versions of one tenant follow each other; an advisory lock, because version 1 has no row to hold.
SELECT pg_advisory_xact_lock(hashtextextended('recovery_settings ' || $1::text, 0))::text;

-- name: insert_settings
-- $2 version, $3 settings, $4 business time.
INSERT INTO recovery_settings (tenant_id, version, settings, changed_at)
VALUES ($1, $2, $3, $4);
