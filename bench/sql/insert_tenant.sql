-- $1 id, $2 name, $3 created at.
INSERT INTO tenants (id, name, created_at)
VALUES ($1, $2, $3);
