-- name: read_business_now
-- A test tenant's own time; no row or null means real time.
SELECT now
  FROM test_clocks
 WHERE tenant_id = $1;
