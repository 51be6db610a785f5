-- name: insert_endpoint
-- $2 id, $3 url, $4 types, $5 sealed secret, $6 business now.
INSERT INTO webhook_endpoints (tenant_id, id, url, types, secret, created_at)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: count_endpoints
SELECT count(*)
  FROM webhook_endpoints
 WHERE tenant_id = $1;

-- name: list_endpoints
-- $2 limit.
SELECT id, url, types, disabled_at, disabled_reason, created_at
  FROM webhook_endpoints
 WHERE tenant_id = $1
 ORDER BY created_at, id
 LIMIT $2;

-- name: page_endpoints
-- $2 and $3 the last one seen (createdAt, id), $4 made since, $5 limit.
SELECT id, url, types, disabled_at, disabled_reason, created_at
  FROM webhook_endpoints
 WHERE tenant_id = $1
   AND (created_at, id) < ($2, $3)
   AND created_at >= $4
 ORDER BY created_at DESC, id DESC
 LIMIT $5;

-- name: change_endpoint
-- $2 endpoint id, $3 address, $4 types; what is null stays. Another address has not failed yet.
UPDATE webhook_endpoints
   SET url = COALESCE($3, url),
       types = COALESCE($4, types),
       failing_since = CASE WHEN $3 <> url THEN NULL ELSE failing_since END,
       failed_at = CASE WHEN $3 <> url THEN NULL ELSE failed_at END
 WHERE tenant_id = $1
   AND id = $2;

-- name: find_endpoint
-- $2 endpoint id.
SELECT id, url, types, disabled_at, disabled_reason, created_at
  FROM webhook_endpoints
 WHERE tenant_id = $1
   AND id = $2;

-- name: lock_endpoint_secrets
-- $2 endpoint id. Locked, so that two rotations at once do not lose a secret that was shown.
SELECT secret, old_secret
  FROM webhook_endpoints
 WHERE tenant_id = $1
   AND id = $2
   FOR UPDATE;

-- name: rotate_endpoint_secret
-- $2 endpoint id, $3 new sealed secret.
UPDATE webhook_endpoints
   SET old_secret = secret,
       secret = $3
 WHERE tenant_id = $1
   AND id = $2;

-- name: delete_endpoint
-- $2 endpoint id. Its deliveries go with it.
DELETE FROM webhook_endpoints
 WHERE tenant_id = $1
   AND id = $2;

-- name: share_enabled_endpoints
-- Locked against being disabled or removed until the deliveries of this fan-out are committed.
SELECT id, url, types, disabled_at, disabled_reason, created_at
  FROM webhook_endpoints
 WHERE tenant_id = $1
   AND disabled_at IS NULL
 ORDER BY id
 LIMIT 1000
   FOR SHARE;

-- name: insert_deliveries
-- $2 ids, $3 event ids, $4 endpoint ids, $5 business now: each is due at once.
INSERT INTO webhook_deliveries (tenant_id, id, event_id, endpoint_id, status, attempts, next_attempt_at, created_at)
SELECT $1, item.id, item.event_id, item.endpoint_id, 'pending', 0, $5, $5
  FROM unnest($2::text[], $3::text[], $4::text[]) AS item (id, event_id, endpoint_id)
    ON CONFLICT ON CONSTRAINT one_delivery_per_event_and_endpoint DO NOTHING;

-- name: claim_deliveries
-- $2 business now, $3 wall time, $4 lease until, $5 limit, $6 the most per endpoint, $7 endpoints at work, $8 how many
-- deliveries each of those has under way. Every endpoint gives its oldest due ones, and they are taken in turn, so that a
-- long queue of one endpoint does not keep the others waiting.
WITH due AS (
    SELECT d.id, d.place, d.next_attempt_at
      FROM webhook_endpoints AS w
      LEFT JOIN unnest($7::text[], $8::integer[]) AS busy (endpoint_id, under_way) ON busy.endpoint_id = w.id
     CROSS JOIN LATERAL (
            SELECT x.id, x.next_attempt_at, row_number() OVER (ORDER BY x.next_attempt_at, x.id) AS place
              FROM (SELECT id, next_attempt_at
                      FROM webhook_deliveries
                     WHERE tenant_id = $1
                       AND endpoint_id = w.id
                       AND next_attempt_at <= $2
                       AND (lease_until IS NULL OR lease_until <= $3)
                     ORDER BY next_attempt_at, id
                     LIMIT greatest($6::integer - COALESCE(busy.under_way, 0), 0)
                       FOR UPDATE SKIP LOCKED) AS x) AS d
     WHERE w.tenant_id = $1
       AND w.disabled_at IS NULL
     ORDER BY d.place, d.next_attempt_at, d.id
     LIMIT $5
)
UPDATE webhook_deliveries AS d
   SET lease_until = $4
  FROM due, webhook_endpoints AS w, events AS e
 WHERE d.tenant_id = $1
   AND d.id = due.id
   AND w.tenant_id = $1
   AND w.id = d.endpoint_id
   AND e.tenant_id = $1
   AND e.id = d.event_id
RETURNING d.id, d.endpoint_id, w.url, w.secret, w.old_secret, d.attempts - d.replayed_after AS attempts, d.created_at,
          e.id AS event_id, e.type AS event_type, e.created_at AS event_at, e.object_id, e.data;

-- name: record_attempts
-- $2 the lease, then of each delivery: $3 id, $4 status, $5 attempts used, $6 next attempt, $7 settled at, $8 last
-- status, $9 last error, $10 last answer, $11 how long it took; $12 business now. Who lost the claim meanwhile records
-- nothing but success. An attempt that was not used up is not one of the receiver's, and is not listed.
WITH recorded AS (
    UPDATE webhook_deliveries AS d
       SET status = o.status,
           attempts = d.attempts + o.attempts_used,
           next_attempt_at = o.next_attempt_at,
           lease_until = NULL,
           last_status = o.last_status,
           last_error = o.last_error,
           last_answer = o.last_answer,
           settled_at = o.settled_at
      FROM unnest($3::text[], $4::text[], $5::integer[], $6::timestamptz[], $7::timestamptz[], $8::integer[],
                  $9::text[], $10::text[], $11::integer[])
           AS o (id, status, attempts_used, next_attempt_at, settled_at, last_status, last_error, last_answer,
                 duration_ms)
     WHERE d.tenant_id = $1
       AND d.id = o.id
       AND d.status = 'pending'
       AND (d.lease_until = $2 OR o.status = 'delivered')
    RETURNING d.id, d.attempts, o.attempts_used, o.duration_ms, o.last_status, o.last_error, o.last_answer
)
INSERT INTO webhook_attempts (tenant_id, delivery_id, number, at, duration_ms, status, error, answer)
SELECT $1, r.id, r.attempts, $12, r.duration_ms, r.last_status, r.last_error, r.last_answer
  FROM recorded AS r
 WHERE r.attempts_used > 0;

-- name: note_endpoints
-- $2 endpoint ids, $3 whether something arrived there, $4 business now. Writes only when it changes, and once an hour while
-- it fails. Tries are at most a day apart, or two if the receiver asks for patience; after a longer silence, in which
-- nobody tried and the receiver may have been well, the failures begin anew.
UPDATE webhook_endpoints AS w
   SET failing_since = CASE WHEN o.has_arrived THEN NULL
                            WHEN w.failed_at >= $4::timestamptz - INTERVAL '49 hours' THEN w.failing_since
                            ELSE $4::timestamptz END,
       failed_at = CASE WHEN o.has_arrived THEN NULL ELSE $4::timestamptz END
  FROM unnest($2::text[], $3::boolean[]) AS o (id, has_arrived)
 WHERE w.tenant_id = $1
   AND w.id = o.id
   AND CASE WHEN o.has_arrived THEN w.failing_since IS NOT NULL
            ELSE w.failing_since IS NULL OR w.failed_at < $4::timestamptz - INTERVAL '1 hour' END;

-- name: disable_failing_endpoints
-- $2 endpoint ids, $3 business now, $4 since when at the latest nothing has arrived there.
UPDATE webhook_endpoints
   SET disabled_at = $3,
       disabled_reason = 'failing'
 WHERE tenant_id = $1
   AND id = ANY ($2::text[])
   AND disabled_at IS NULL
   AND failing_since <= $4
RETURNING id;

-- name: disable_endpoints
-- $2 endpoint ids, $3 business now, $4 reason.
UPDATE webhook_endpoints
   SET disabled_at = $3,
       disabled_reason = $4
 WHERE tenant_id = $1
   AND id = ANY ($2::text[])
   AND disabled_at IS NULL
RETURNING id;

-- name: enable_endpoint
-- $2 endpoint id, $3 business now.
UPDATE webhook_endpoints
   SET disabled_at = NULL,
       disabled_reason = NULL,
       failing_since = NULL,
       failed_at = NULL,
       enabled_at = $3
 WHERE tenant_id = $1
   AND id = $2
   AND disabled_at IS NOT NULL;

-- name: park_endpoint
-- $2 endpoint id. What is under way is parked when it falls due again.
UPDATE webhook_deliveries
   SET next_attempt_at = 'infinity'
 WHERE tenant_id = $1
   AND endpoint_id = $2
   AND next_attempt_at < 'infinity'
   AND lease_until IS NULL;

-- name: resume_endpoint
-- $2 endpoint id, $3 business now: what was parked is due at once.
UPDATE webhook_deliveries
   SET next_attempt_at = $3
 WHERE tenant_id = $1
   AND endpoint_id = $2
   AND next_attempt_at = 'infinity';

-- name: share_endpoint
-- $2 endpoint id. Locked against being disabled or removed until what is sent to it anew is committed.
SELECT id, url, types, disabled_at, disabled_reason, created_at
  FROM webhook_endpoints
 WHERE tenant_id = $1
   AND id = $2
   FOR SHARE;

-- name: find_endpoint_of_delivery
-- $2 delivery id.
SELECT endpoint_id
  FROM webhook_deliveries
 WHERE tenant_id = $1
   AND id = $2;

-- name: find_deliveries_of_event
-- $2 event id.
SELECT id, endpoint_id
  FROM webhook_deliveries
 WHERE tenant_id = $1
   AND event_id = $2
 LIMIT 1000;

-- name: replay_deliveries
-- $2 delivery ids, $3 business now, $4 wall time. What another process holds is being sent at this moment.
UPDATE webhook_deliveries
   SET status = 'pending',
       next_attempt_at = $3,
       lease_until = NULL,
       settled_at = NULL,
       replayed_after = attempts
 WHERE tenant_id = $1
   AND id = ANY ($2::text[])
   AND (lease_until IS NULL OR lease_until <= $4);

-- name: list_to_replay
-- $2 endpoint id, $3 created since, $4 created before, $5 and $6 the last event seen (createdAt, id), $7 limit. Each
-- event with its delivery to the endpoint, if it has one.
SELECT e.id AS event_id, e.type AS event_type, e.created_at, d.id AS delivery_id, d.status
  FROM events AS e
  LEFT JOIN webhook_deliveries AS d ON d.tenant_id = $1 AND d.event_id = e.id AND d.endpoint_id = $2
 WHERE e.tenant_id = $1
   AND e.created_at >= $3
   AND e.created_at < $4
   AND (e.created_at, e.id) > ($5, $6)
 ORDER BY e.created_at, e.id
 LIMIT $7;

-- name: list_given_up_endpoints
-- scope: all tenants
-- $1 limit. Disabled by what their receivers did, and not enabled since.
SELECT tenant_id, id, disabled_at, disabled_reason
  FROM webhook_endpoints
 WHERE disabled_reason IN ('gone', 'failing')
 ORDER BY tenant_id, id
 LIMIT $1;

-- name: park_deliveries
-- $2 business now. Infinity keeps them in their queue and out of every scan.
UPDATE webhook_deliveries AS d
   SET next_attempt_at = 'infinity'
  FROM webhook_endpoints AS w
 WHERE d.tenant_id = $1
   AND d.next_attempt_at <= $2
   AND d.lease_until IS NULL
   AND w.tenant_id = $1
   AND w.id = d.endpoint_id
   AND w.disabled_at IS NOT NULL;

-- name: list_deliveries_of_event
-- $2 event id.
SELECT d.id, d.endpoint_id, w.url, d.status, d.attempts, NULLIF(d.next_attempt_at, 'infinity') AS next_attempt_at,
       d.last_status, d.last_error, d.last_answer, d.created_at, d.settled_at
  FROM webhook_deliveries AS d
  JOIN webhook_endpoints AS w ON w.tenant_id = $1 AND w.id = d.endpoint_id
 WHERE d.tenant_id = $1
   AND d.event_id = $2
 ORDER BY d.id
 LIMIT $3;

-- name: page_deliveries_of_endpoint
-- $2 endpoint id, $3 and $4 the last one seen (createdAt, id), $5 made since, $6 limit, $7 status or null.
SELECT d.id, d.endpoint_id, d.event_id, e.type AS event_type, d.status, d.attempts,
       NULLIF(d.next_attempt_at, 'infinity') AS next_attempt_at, d.last_status, d.last_error, d.created_at, d.settled_at
  FROM webhook_deliveries AS d
  JOIN events AS e
    ON e.tenant_id = $1
   AND e.id = d.event_id
 WHERE d.tenant_id = $1
   AND d.endpoint_id = $2
   AND (d.created_at, d.id) < ($3, $4)
   AND d.created_at >= $5
   AND ($7::text IS NULL OR d.status = $7)
 ORDER BY d.created_at DESC, d.id DESC
 LIMIT $6;

-- name: get_delivery
-- $2 delivery id.
SELECT d.id, d.endpoint_id, d.event_id, e.type AS event_type, d.status, d.attempts,
       NULLIF(d.next_attempt_at, 'infinity') AS next_attempt_at, d.last_status, d.last_error, d.created_at, d.settled_at
  FROM webhook_deliveries AS d
  JOIN events AS e
    ON e.tenant_id = $1
   AND e.id = d.event_id
 WHERE d.tenant_id = $1
   AND d.id = $2;

-- name: list_attempts
-- $2 delivery ids, $3 how many of each, the newest.
SELECT a.delivery_id, a.number, a.at, a.duration_ms, a.status, a.error, a.answer
  FROM unnest($2::text[]) AS item (id)
 CROSS JOIN LATERAL (
        SELECT delivery_id, number, at, duration_ms, status, error, answer
          FROM webhook_attempts
         WHERE tenant_id = $1
           AND delivery_id = item.id
         ORDER BY number DESC
         LIMIT $3) AS a
 ORDER BY a.delivery_id, a.number;

-- name: list_tenants_to_deliver
-- scope: all tenants
-- $1 wall time, $2 tenants with a time of their own, $3 those times. One probe of deliveries_due for each tenant that has
-- open deliveries, however many they are: a value, because the planner makes an EXISTS into a join that reads them all.
WITH RECURSIVE waiting AS (
    (SELECT tenant_id FROM webhook_deliveries WHERE next_attempt_at IS NOT NULL ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT d.tenant_id
              FROM webhook_deliveries AS d
             WHERE d.next_attempt_at IS NOT NULL
               AND d.tenant_id > w.tenant_id
             ORDER BY d.tenant_id
             LIMIT 1)
      FROM waiting AS w
     WHERE w.tenant_id IS NOT NULL
)
SELECT w.tenant_id
  FROM waiting AS w
  LEFT JOIN unnest($2::text[], $3::timestamptz[]) AS own (tenant_id, now) ON own.tenant_id = w.tenant_id
 WHERE (SELECT true
          FROM webhook_deliveries AS d
         WHERE d.tenant_id = w.tenant_id
           AND d.next_attempt_at <= COALESCE(own.now, $1)
           AND (d.lease_until IS NULL OR d.lease_until <= $1)
         ORDER BY d.next_attempt_at, d.id
         LIMIT 1)
 ORDER BY w.tenant_id
 LIMIT 10000;

-- name: find_next_delivery
-- What another process holds is left to it: it is sent within seconds, or the scans find it when the lease is over.
SELECT d.next_attempt_at
  FROM webhook_deliveries AS d
  JOIN webhook_endpoints AS w ON w.tenant_id = $1 AND w.id = d.endpoint_id
 WHERE d.tenant_id = $1
   AND d.next_attempt_at < 'infinity'
   AND d.lease_until IS NULL
   AND w.disabled_at IS NULL
 ORDER BY d.next_attempt_at, d.id
 LIMIT 1;

-- name: list_tenants_with_old_attempts
-- scope: all tenants
-- $1 wall time, $2 tenants with a time of their own, $3 those times. One probe of webhook_attempts_by_age for each tenant
-- that has attempts, however many they are.
WITH RECURSIVE logged AS (
    (SELECT tenant_id FROM webhook_attempts ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT a.tenant_id
              FROM webhook_attempts AS a
             WHERE a.tenant_id > l.tenant_id
             ORDER BY a.tenant_id
             LIMIT 1)
      FROM logged AS l
     WHERE l.tenant_id IS NOT NULL
)
SELECT l.tenant_id
  FROM logged AS l
  LEFT JOIN unnest($2::text[], $3::timestamptz[]) AS own (tenant_id, now) ON own.tenant_id = l.tenant_id
 WHERE (SELECT a.at
          FROM webhook_attempts AS a
         WHERE a.tenant_id = l.tenant_id
         ORDER BY a.at
         LIMIT 1) <= COALESCE(own.now, $1) - INTERVAL '30 days'
 ORDER BY l.tenant_id
 LIMIT 10000;

-- name: find_next_old_attempt
SELECT min(at) + INTERVAL '30 days'
  FROM webhook_attempts
 WHERE tenant_id = $1;

-- name: forget_attempts
-- $2 business now, $3 limit. The delivery stays, with what came of it; its last answer goes with the attempt that it is
-- of. A delivery that somebody else has in hand is left to them: they write another answer, or remove it.
WITH forgotten AS (
    -- By their places, which are locked here: a join may read the whole log to find them again.
    DELETE FROM webhook_attempts
     WHERE tenant_id = $1
       AND ctid = ANY (ARRAY(SELECT ctid
                               FROM webhook_attempts
                              WHERE tenant_id = $1
                                AND at <= $2::timestamptz - INTERVAL '30 days'
                              ORDER BY at, delivery_id, number
                              LIMIT $3
                                FOR UPDATE SKIP LOCKED))
    RETURNING delivery_id, number
), answered AS (
    SELECT d.id
      FROM webhook_deliveries AS d
      JOIN forgotten AS f ON f.delivery_id = d.id AND f.number = d.attempts
     WHERE d.tenant_id = $1
       AND d.last_answer IS NOT NULL
       FOR UPDATE OF d SKIP LOCKED
), emptied AS (
    UPDATE webhook_deliveries AS d
       SET last_answer = NULL
      FROM answered
     WHERE d.tenant_id = $1
       AND d.id = answered.id
)
SELECT count(*) FROM forgotten;
