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

-- name: lock_api_key
-- scope: core
-- $1 tenant, $2 id. One of two rotations at once finds it revoked.
SELECT id, mode, kind, hint, created_at, last_used_at, revoked_at
  FROM api_keys
 WHERE tenant_id = $1
   AND id = $2
   FOR UPDATE;

-- name: note_uses
-- scope: core
-- $1 tenants, $2 ids, $3 instants. Other processes note the same keys: once in a minute is enough for all of them.
UPDATE api_keys AS k
   SET last_used_at = u.at
  FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS u (tenant_id, id, at)
 WHERE k.tenant_id = u.tenant_id
   AND k.id = u.id
   AND (k.last_used_at IS NULL OR k.last_used_at <= u.at - INTERVAL '1 minute');

-- name: list_api_keys
-- scope: core
-- $1 tenant, $2 limit.
SELECT id, mode, kind, hint, created_at, last_used_at, revoked_at
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

-- name: insert_oauth_client
-- scope: core
-- $1 tenant, $2 id, $3 mode, $4 name, $5 public half, $6 digest of the secret, $7 created.
INSERT INTO oauth_clients (tenant_id, id, mode, name, client_id, digest, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: revoke_oauth_client
-- scope: core
-- $1 tenant, $2 id or public half, $3 revoked. Its access tokens go with it.
UPDATE oauth_clients
   SET revoked_at = $3
 WHERE tenant_id = $1
   AND (id = $2 OR client_id = $2)
   AND revoked_at IS NULL;

-- name: list_oauth_clients
-- scope: core
-- $1 tenant, $2 limit.
SELECT id, mode, name, client_id, created_at, last_used_at, revoked_at
  FROM oauth_clients
 WHERE tenant_id = $1
 ORDER BY created_at DESC, id DESC
 LIMIT $2;

-- name: find_oauth_client
-- scope: core
-- $1 public half. The secret is compared by its digest, in constant time, by whoever asked.
SELECT tenant_id, id, digest
  FROM oauth_clients
 WHERE client_id = $1
   AND revoked_at IS NULL
 ORDER BY tenant_id, id
 LIMIT 1;

-- name: note_use_of_client
-- scope: core
-- $1 tenant, $2 id, $3 wall time. Once in a minute is enough, so that tokens asked for at once do not queue here.
UPDATE oauth_clients
   SET last_used_at = $3
 WHERE tenant_id = $1
   AND id = $2
   AND (last_used_at IS NULL OR last_used_at <= $3::timestamptz - INTERVAL '1 minute');

-- name: insert_oauth_token
-- scope: core
-- $1 tenant, $2 id, $3 client, $4 digest, $5 created, $6 end.
INSERT INTO oauth_tokens (tenant_id, id, oauth_client_id, digest, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: forget_expired_tokens
-- scope: core
-- $1 wall time, $2 limit. Each new token takes a few dead ones away, so there are never many; another that does the
-- same just now takes others.
DELETE FROM oauth_tokens AS t
 USING (SELECT tenant_id, id
          FROM oauth_tokens
         WHERE expires_at <= $1
         ORDER BY expires_at, tenant_id, id
         LIMIT $2
           FOR UPDATE SKIP LOCKED) AS dead
 WHERE t.tenant_id = dead.tenant_id
   AND t.id = dead.id;

-- name: revoke_oauth_token
-- scope: core
-- $1 tenant, $2 digest.
DELETE FROM oauth_tokens
 WHERE tenant_id = $1
   AND digest = $2;

-- name: find_access_token
-- scope: core
-- $1 digest, $2 wall time. Valid as long as its client is.
SELECT c.id, c.mode, o.expires_at, t.id AS tenant_id, t.name, t.time_zone, t.currency
  FROM oauth_tokens AS o
  JOIN oauth_clients AS c
    ON c.tenant_id = o.tenant_id
   AND c.id = o.oauth_client_id
  JOIN tenants AS t
    ON t.id = o.tenant_id
 WHERE o.digest = $1
   AND o.expires_at > $2
   AND c.revoked_at IS NULL
 ORDER BY o.tenant_id, o.id
 LIMIT 1;

-- name: insert_sign_in_link
-- scope: core
-- $1 tenant, $2 id, $3 member, $4 digest, $5 created, $6 end.
INSERT INTO sign_in_links (tenant_id, id, member_id, digest, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: forget_expired_links
-- scope: core
-- $1 wall time, $2 limit. As with access tokens, each new one takes a few dead ones away.
DELETE FROM sign_in_links AS l
 USING (SELECT tenant_id, id
          FROM sign_in_links
         WHERE expires_at <= $1
         ORDER BY expires_at, tenant_id, id
         LIMIT $2
           FOR UPDATE SKIP LOCKED) AS dead
 WHERE l.tenant_id = dead.tenant_id
   AND l.id = dead.id;

-- name: use_sign_in_link
-- scope: core
-- $1 digest, $2 wall time. Gone with its use: the second of two at once waits for the first and finds nothing.
DELETE FROM sign_in_links
 WHERE digest = $1
   AND expires_at > $2
RETURNING tenant_id, member_id;

-- name: insert_session
-- scope: core
-- $1 tenant, $2 id, $3 member, $4 digest, $5 user agent, $6 begun, $7 end.
INSERT INTO sessions (tenant_id, id, member_id, digest, user_agent, created_at, last_used_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $6, $7);

-- name: forget_expired_sessions
-- scope: core
-- $1 wall time, $2 limit. As with access tokens, each new one takes a few dead ones away.
DELETE FROM sessions AS s
 USING (SELECT tenant_id, id
          FROM sessions
         WHERE expires_at <= $1
         ORDER BY expires_at, tenant_id, id
         LIMIT $2
           FOR UPDATE SKIP LOCKED) AS dead
 WHERE s.tenant_id = dead.tenant_id
   AND s.id = dead.id;

-- name: find_session
-- scope: core
-- $1 digest, $2 wall time, $3 used after. A session is what says whose tenant it is; the role is that of this moment.
SELECT s.id, s.member_id, s.last_used_at, s.expires_at, m.role, t.id AS tenant_id, t.name, t.time_zone, t.currency
  FROM sessions AS s
  JOIN members AS m
    ON m.tenant_id = s.tenant_id
   AND m.id = s.member_id
  JOIN tenants AS t
    ON t.id = s.tenant_id
 WHERE s.digest = $1
   AND s.revoked_at IS NULL
   AND s.expires_at > $2
   AND s.last_used_at > $3
 ORDER BY s.tenant_id, s.id
 LIMIT 1;

-- name: note_use_of_session
-- scope: core
-- $1 tenant, $2 id, $3 wall time. Of requests at once the latest stands.
UPDATE sessions
   SET last_used_at = $3
 WHERE tenant_id = $1
   AND id = $2
   AND last_used_at < $3;

-- name: list_sessions
-- scope: core
-- $1 tenant, $2 member, $3 wall time, $4 used after, $5 and $6 the last one seen, $7 begun since, $8 limit.
SELECT id, user_agent, created_at, last_used_at, expires_at, revoked_at
  FROM sessions
 WHERE tenant_id = $1
   AND member_id = $2
   AND revoked_at IS NULL
   AND expires_at > $3
   AND last_used_at > $4
   AND (created_at, id) < ($5, $6)
   AND created_at >= $7
 ORDER BY created_at DESC, id DESC
 LIMIT $8;

-- name: revoke_session
-- scope: core
-- $1 tenant, $2 member, $3 id, $4 revoked.
UPDATE sessions
   SET revoked_at = $4
 WHERE tenant_id = $1
   AND member_id = $2
   AND id = $3
   AND revoked_at IS NULL
RETURNING id, user_agent, created_at, last_used_at, expires_at, revoked_at;

-- name: revoke_sessions
-- scope: core
-- $1 tenant, $2 member, $3 revoked.
UPDATE sessions
   SET revoked_at = $3
 WHERE tenant_id = $1
   AND member_id = $2
   AND revoked_at IS NULL
   AND expires_at > $3;

-- name: forget_links_of_member
-- scope: core
-- $1 tenant, $2 member.
DELETE FROM sign_in_links
 WHERE tenant_id = $1
   AND member_id = $2;
