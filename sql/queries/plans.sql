-- How ids come: as in subscriptions.sql.

-- name: insert_plan
-- $2 id, $3 name, $4 amount, $5 currency, $6 interval, $7 count, $8 trial days, $9 cycles, $10 several per customer,
-- $11 metadata, $12 created.
INSERT INTO plans (tenant_id, id, name, amount_minor, currency, interval, interval_count, trial_days, max_cycles,
                   allow_multiple, metadata, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: get_plan
-- $2 id.
SELECT id, name, amount_minor, currency, interval, interval_count, trial_days, max_cycles, allow_multiple, archived_at,
       metadata, created_at
  FROM plans
 WHERE tenant_id = $1
   AND id = $2;

-- name: find_plans
-- $2 ids.
SELECT id, name, amount_minor, currency, interval, interval_count, trial_days, max_cycles, allow_multiple, archived_at,
       metadata, created_at
  FROM plans
 WHERE tenant_id = $1
   AND id IN (SELECT unnest($2::text[]) LIMIT cardinality($2::text[]))
 ORDER BY id
 LIMIT cardinality($2::text[]);

-- name: lock_plan
-- $2 id. Two changes at once: the second reads what the first has written.
SELECT id, name, amount_minor, currency, interval, interval_count, trial_days, max_cycles, allow_multiple, archived_at,
       metadata, created_at
  FROM plans
 WHERE tenant_id = $1
   AND id = $2
   FOR UPDATE;

-- name: list_plans
-- $2 and $3 the last row of the page before, $4 not older than, $5 only active or archived ones, $6 limit.
SELECT id, name, amount_minor, currency, interval, interval_count, trial_days, max_cycles, allow_multiple, archived_at,
       metadata, created_at
  FROM plans
 WHERE tenant_id = $1
   AND (created_at, id) < ($2::timestamptz, $3::text)
   AND created_at >= $4::timestamptz
   AND ($5::boolean IS NULL OR (archived_at IS NULL) = $5)
 ORDER BY created_at DESC, id DESC
 LIMIT $6;

-- name: update_plan
-- $2 id, $3 name, $4 amount, $5 trial days, $6 cycles, $7 archived, $8 metadata.
UPDATE plans
   SET name = $3,
       amount_minor = $4,
       trial_days = $5,
       max_cycles = $6,
       archived_at = $7,
       metadata = $8
 WHERE tenant_id = $1
   AND id = $2;
