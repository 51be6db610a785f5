-- name: insert_member
-- scope: core
-- $1 tenant, $2 id, $3 e-mail in lower case, $4 name, $5 role, $6 created.
INSERT INTO members (tenant_id, id, email, name, role, created_at)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: list_members
-- scope: core
-- $1 tenant, $2 limit.
SELECT id, email, name, role, created_at
  FROM members
 WHERE tenant_id = $1
 ORDER BY created_at, id
 LIMIT $2;

-- name: find_member
-- scope: core
-- $1 tenant, $2 e-mail in lower case.
SELECT id, email, name, role, created_at
  FROM members
 WHERE tenant_id = $1
   AND email = $2;

-- name: get_member
-- scope: core
-- $1 tenant, $2 id.
SELECT id, email, name, role, created_at
  FROM members
 WHERE tenant_id = $1
   AND id = $2;

-- name: change_role
-- scope: core
-- $1 tenant, $2 id, $3 role. Row security lets nobody change an owner.
UPDATE members
   SET role = $3
 WHERE tenant_id = $1
   AND id = $2;

-- name: delete_member
-- scope: core
-- $1 tenant, $2 id. Row security lets nobody remove an owner.
DELETE FROM members
 WHERE tenant_id = $1
   AND id = $2;

-- name: find_owner
-- As the roles of the two modes may see it.
SELECT id, email, name, role, created_at
  FROM members
 WHERE tenant_id = $1
   AND role = 'owner';

-- name: list_addresses
-- $2 limit. As the roles of the two modes may see it.
SELECT email
  FROM members
 WHERE tenant_id = $1
 ORDER BY created_at, id
 LIMIT $2;
