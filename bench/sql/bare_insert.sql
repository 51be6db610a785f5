-- $1 tenant, $2 number, $3 value.
INSERT INTO bench_rows (tenant_id, number, value)
VALUES ($1, $2, $3::text::jsonb);
