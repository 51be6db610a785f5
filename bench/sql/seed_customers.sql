-- $1 tenant, $2 and $3 the first and last number, $4 created at.
INSERT INTO customers (tenant_id, id, email, phone, name, metadata, created_at)
SELECT $1, 'cus_' || lpad(n::text, 26, '0'), 'ada' || n || '@example.com', '+2348030000000', 'Ada ' || n, '{}', $4
  FROM generate_series($2::integer, $3::integer) AS n;
