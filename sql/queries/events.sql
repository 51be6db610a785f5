-- How ids and rows come: as in subscriptions.sql.

-- name: insert_events
-- $2 rows, $3 business now. Positions follow the order of the rows.
INSERT INTO events (tenant_id, id, type, object_id, data, created_at)
SELECT $1, item.id, item.type, item.object_id, item.data, $3
  FROM ROWS FROM (json_to_recordset($2::json) AS (id text, type text, object_id text, data jsonb)) WITH ORDINALITY
       AS item (id, type, object_id, data, place)
 ORDER BY item.place;

-- name: get_event
-- $2 event id.
SELECT id, type, object_id, data, created_at, dispatched_at
  FROM events
 WHERE tenant_id = $1
   AND id = $2;

-- name: list_events
-- $2 and $3 the last event seen (createdAt, id), $4 created since, $5 limit, $6 type or null.
SELECT id, type, object_id, data, created_at, dispatched_at
  FROM events
 WHERE tenant_id = $1
   AND (created_at, id) < ($2, $3)
   AND created_at >= $4
   AND ($6::text IS NULL OR type = $6)
 ORDER BY created_at DESC, id DESC
 LIMIT $5;

-- name: read_last_position
SELECT COALESCE(max(position), 0)
  FROM events
 WHERE tenant_id = $1;

-- name: list_events_after
-- $2 position, $3 limit.
SELECT id, type, object_id, data, created_at, dispatched_at
  FROM events
 WHERE tenant_id = $1
   AND position > $2
 ORDER BY position
 LIMIT $3;

-- name: claim_undispatched_events
-- $2 business now, $3 limit. Not SKIP LOCKED: a second fan-out waits for the first, so that an object's events keep the
-- order of its commits.
SELECT id, type, object_id, data, created_at, dispatched_at
  FROM events
 WHERE tenant_id = $1
   AND dispatched_at IS NULL
   AND created_at <= $2
 ORDER BY created_at, position
 LIMIT $3
   FOR UPDATE;

-- name: mark_events_dispatched
-- $2 ids, $3 business now.
UPDATE events
   SET dispatched_at = $3
 WHERE tenant_id = $1
   AND id IN (SELECT unnest($2::text[]) LIMIT cardinality($2::text[]));

-- name: list_tenants_to_fan_out
-- scope: all tenants
-- $1 wall time, $2 tenants with a time of their own, $3 those times. One probe of events_to_fan_out for each tenant that
-- has such events, however many they are: a value, because the planner makes an EXISTS into a join that reads them all.
WITH RECURSIVE waiting AS (
    (SELECT tenant_id FROM events WHERE dispatched_at IS NULL ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT e.tenant_id
              FROM events AS e
             WHERE e.dispatched_at IS NULL
               AND e.tenant_id > w.tenant_id
             ORDER BY e.tenant_id
             LIMIT 1)
      FROM waiting AS w
     WHERE w.tenant_id IS NOT NULL
)
SELECT w.tenant_id
  FROM waiting AS w
  LEFT JOIN unnest($2::text[], $3::timestamptz[]) AS own (tenant_id, now) ON own.tenant_id = w.tenant_id
 WHERE (SELECT e.created_at
          FROM events AS e
         WHERE e.tenant_id = w.tenant_id
           AND e.dispatched_at IS NULL
         ORDER BY e.created_at, e.position
         LIMIT 1) <= COALESCE(own.now, $1)
 ORDER BY w.tenant_id
 LIMIT 10000;

-- name: find_next_fan_out
-- When the oldest event that waits for its fan-out was written.
SELECT min(created_at)
  FROM events
 WHERE tenant_id = $1
   AND dispatched_at IS NULL;
