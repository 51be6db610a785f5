-- name: try_key
-- $2 key. For an operation of one transaction: the lock is held to its end and says whether a twin is running; a twin
-- that commits between our snapshot and our lock is met when the answer is kept. The schema keeps the modes apart.
SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || ' ' || $1 || ' ' || $2, 0)) AS is_ours,
       k.digest, k.status, k.body, k.locked_until
  FROM (SELECT 1) AS once
  LEFT JOIN idempotency_keys AS k
    ON k.tenant_id = $1
   AND k.key = $2;

-- name: find_key
-- $2 key.
SELECT digest, status, body, resource_id, locked_until
  FROM idempotency_keys
 WHERE tenant_id = $1
   AND key = $2;

-- name: which_keys_are_known
-- $2 keys.
SELECT key
  FROM idempotency_keys
 WHERE tenant_id = $1
   AND key IN (SELECT unnest($2::text[]) LIMIT cardinality($2::text[]))
 LIMIT cardinality($2::text[]);

-- name: claim_keys
-- $2 keys, $3 a digest for each, $4 a resource for each, $5 lease, $6 wall time. Two at once: the second waits for the
-- first's commit and is refused by idempotency_keys_pkey.
INSERT INTO idempotency_keys (tenant_id, key, digest, resource_id, locked_until, created_at)
SELECT $1, n.key, n.digest, n.resource_id, $5, $6
  FROM unnest($2::text[], $3::bytea[], $4::text[]) AS n (key, digest, resource_id)
 ORDER BY n.key;

-- name: take_over_key
-- $2 key, $3 the dead lease, $4 the new one. The comparison lets one of several win.
UPDATE idempotency_keys
   SET locked_until = $4
 WHERE tenant_id = $1
   AND key = $2
   AND status IS NULL
   AND locked_until = $3;

-- name: keep_answer
-- $2 key, $3 digest, $4 status, $5 body, $6 wall time, $7 our lease, null without a claim. Whoever has lost the key
-- meanwhile touches nothing.
INSERT INTO idempotency_keys AS k (tenant_id, key, digest, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (tenant_id, key) DO UPDATE
   SET status = excluded.status,
       body = excluded.body,
       locked_until = NULL
 WHERE k.status IS NULL
   AND k.locked_until = $7;

-- name: keep_answers
-- $2 claimed keys, $3 a lease of each, $4 a status for each, $5 a body for each. Whoever has lost a key meanwhile touches
-- nothing. The limits tell the planner of few rows.
UPDATE idempotency_keys AS k
   SET status = n.status,
       body = n.body,
       locked_until = NULL
  FROM (SELECT n.*
          FROM (SELECT n.*
                  FROM unnest($2::text[], $3::timestamptz[], $4::integer[], $5::bytea[]) AS n (key, lease, status, body)
                 LIMIT cardinality($2::text[])) AS n
         LIMIT cardinality($2::text[])) AS n
 WHERE k.tenant_id = $1
   AND k.key = n.key
   AND k.status IS NULL
   AND k.locked_until = n.lease;

-- name: release_key
-- $2 key, $3 our lease, $4 wall time. What was begun stays begun: the next request with this key resumes it at once.
UPDATE idempotency_keys
   SET locked_until = $4
 WHERE tenant_id = $1
   AND key = $2
   AND status IS NULL
   AND locked_until = $3;

-- name: list_tenants_with_old_keys
-- scope: all tenants
-- $1 wall time, which alone says how old a key is: $2 and $3, the tenants with a time of their own, change nothing.
-- Steps from tenant to tenant over the index by age, and probes it once for each: a value, because the planner makes an
-- EXISTS into a join that reads all keys.
WITH RECURSIVE tenant (tenant_id) AS (
    (SELECT tenant_id FROM idempotency_keys ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT k.tenant_id FROM idempotency_keys k WHERE k.tenant_id > t.tenant_id ORDER BY k.tenant_id LIMIT 1)
      FROM tenant t
     WHERE t.tenant_id IS NOT NULL)
SELECT t.tenant_id
  FROM tenant t
 WHERE (SELECT true
          FROM idempotency_keys k
         WHERE k.tenant_id = t.tenant_id
           AND k.created_at <= $1::timestamptz - INTERVAL '24 hours'
         ORDER BY k.created_at
         LIMIT 1)
   AND cardinality($2::text[]) = cardinality($3::timestamptz[])
 ORDER BY t.tenant_id;

-- name: next_old_key
SELECT min(created_at) + INTERVAL '24 hours'
  FROM idempotency_keys
 WHERE tenant_id = $1;

-- name: forget_keys
-- $2 wall time, $3 limit. Another that forgets at the same moment takes others.
DELETE FROM idempotency_keys
 WHERE tenant_id = $1
   AND key IN (SELECT key
                 FROM idempotency_keys
                WHERE tenant_id = $1
                  AND created_at <= $2::timestamptz - INTERVAL '24 hours'
                ORDER BY created_at, key
                LIMIT $3
                  FOR UPDATE SKIP LOCKED);
