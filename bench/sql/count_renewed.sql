-- $1 tenant. What the benchmark counted must be there, once each.
SELECT (SELECT count(*) FROM invoices WHERE tenant_id = $1 AND status = 'paid') AS invoices,
       (SELECT count(*) FROM payment_attempts WHERE tenant_id = $1 AND status = 'succeeded') AS attempts,
       (SELECT count(*) FROM simulated_charges WHERE tenant_id = $1 AND status = 'succeeded') AS charges,
       (SELECT count(*) FROM events WHERE tenant_id = $1) AS events;
