-- name: insert_tenant
-- scope: core
-- $1 id, $2 name, $3 time zone, $4 currency, $5 created.
INSERT INTO tenants (id, name, time_zone, currency, created_at)
VALUES ($1, $2, $3, $4, $5);

-- name: get_tenant
-- scope: core
-- $1 id.
SELECT id, name, time_zone, currency
  FROM tenants
 WHERE id = $1;

-- name: list_tenants
-- scope: core
-- $1 limit.
SELECT id, name, time_zone, currency
  FROM tenants
 ORDER BY id
 LIMIT $1;

-- name: read_zone
-- The tenant's own row, as the roles of the two modes may see it.
SELECT time_zone
  FROM tenants
 WHERE id = $1;

-- name: read_name_and_zone
-- The tenant's own row, as the roles of the two modes may see it.
SELECT name, time_zone
  FROM tenants
 WHERE id = $1;

-- name: list_tenants_after
-- scope: core
-- $1 id, $2 limit.
SELECT id, name, time_zone, currency
  FROM tenants
 WHERE id > $1
 ORDER BY id
 LIMIT $2;

-- name: nth_tenant
-- scope: core
-- $1 any number: counts around.
SELECT id
  FROM tenants
 ORDER BY id
 LIMIT 1
OFFSET (SELECT $1::bigint % greatest(count(*), 1) FROM tenants);
