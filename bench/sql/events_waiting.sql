-- $1 tenant.
SELECT EXISTS (SELECT FROM events WHERE tenant_id = $1 AND dispatched_at IS NULL);
