-- $1 tenant.
SELECT min(created_at)
  FROM invoices
 WHERE tenant_id = $1;
