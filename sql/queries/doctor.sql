-- name: list_roles
-- scope: core
-- What the roles of the application may do; none of them may see past row security.
SELECT rolname AS name, rolsuper AS is_superuser, rolbypassrls AS bypasses_row_security
  FROM pg_catalog.pg_roles
 WHERE rolname IN ('duro_core', 'duro_sandbox', 'duro_live', 'duro_sandbox_scan', 'duro_live_scan')
 ORDER BY rolname
 LIMIT 10;
