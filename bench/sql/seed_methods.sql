-- $1 tenant, $2 and $3 the first and last number, $4 created at. One card each that is always approved.
INSERT INTO payment_methods (tenant_id, id, customer_id, rail, token, fingerprint, brand, last4, exp_month, exp_year,
                             is_default, created_at)
SELECT $1, 'pm_' || lpad(n::text, 26, '0'), 'cus_' || lpad(n::text, 26, '0'), 'card', 'sim_ok_' || md5(n::text),
       md5(n::text), 'verve', '3210', 12, 2040, true, $4
  FROM generate_series($2::integer, $3::integer) AS n;
