-- name: insert_api_key
-- scope: core
-- $1 tenant, $2 id, $3 mode, $4 kind, $5 digest, $6 hint, $7 created.
INSERT INTO api_keys (tenant_id, id, mode, kind, digest, hint, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: revoke_api_key
-- scope: core
-- $1 tenant, $2 id, $3 revoked. The first revocation stands.
UPDATE api_keys
   SET revoked_at = $3
 WHERE tenant_id = $1
   AND id = $2
   AND revoked_at IS NULL;

-- name: list_api_keys
-- scope: core
-- $1 tenant, $2 limit.
SELECT id, mode, kind, hint, created_at, revoked_at
  FROM api_keys
 WHERE tenant_id = $1
 ORDER BY created_at DESC, id DESC
 LIMIT $2;

-- name: find_credential
-- scope: core
-- $1 digest. A credential is what says whose tenant it is, so this look-up has none yet.
SELECT k.id, k.kind, k.mode, t.id AS tenant_id, t.name, t.time_zone, t.currency
  FROM api_keys AS k
  JOIN tenants AS t
    ON t.id = k.tenant_id
 WHERE k.digest = $1
   AND k.revoked_at IS NULL
 ORDER BY k.tenant_id, k.id
 LIMIT 1;
