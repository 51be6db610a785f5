-- name: insert_events
-- $2 ids, $3 types, $4 object ids, $5 snapshots, $6 business now. Positions follow the order of the arrays.
INSERT INTO events (tenant_id, id, type, object_id, data, created_at)
SELECT $1, item.id, item.type, item.object_id, item.data, $6
  FROM unnest($2::text[], $3::text[], $4::text[], $5::jsonb[]) WITH ORDINALITY AS item (id, type, object_id, data, place)
 ORDER BY item.place;

-- name: find_event
-- $2 event id.
SELECT id, type, object_id, data, created_at, dispatched_at
  FROM events
 WHERE tenant_id = $1
   AND id = $2;

-- name: list_events
-- $2 type or null, $3 object id or null, $4 created from or null, $5 created before or null, $6 and $7 the last event
-- seen (createdAt, id) or nulls, $8 limit.
SELECT id, type, object_id, data, created_at, dispatched_at
  FROM events
 WHERE tenant_id = $1
   AND ($2::text IS NULL OR type = $2)
   AND ($3::text IS NULL OR object_id = $3)
   AND created_at >= COALESCE($4::timestamptz, '-infinity')
   AND created_at < COALESCE($5::timestamptz, 'infinity')
   AND (created_at, id) < (COALESCE($6::timestamptz, 'infinity'), COALESCE($7::text, ''))
 ORDER BY created_at DESC, id DESC
 LIMIT $8;

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
