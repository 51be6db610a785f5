-- $1 tenant, $2 and $3 the first and last number, $4 plan, $5 start of the present period of the first one, $6 its end,
-- $7 seconds between one and the next.
INSERT INTO subscriptions (tenant_id, id, customer_id, plan_id, payment_method_id, status, anchor_at, period_index,
                           period_starts_at, period_ends_at, cycles_completed, cancel_at_period_end, balance_minor,
                           is_exclusive, renews_at, reminds_at, metadata, created_at)
SELECT $1, 'sub_' || lpad(n::text, 26, '0'), 'cus_' || lpad(n::text, 26, '0'), $4, 'pm_' || lpad(n::text, 26, '0'),
       'active', $5::timestamptz + s.later, 0, $5 + s.later, $6::timestamptz + s.later, 1, false, 0, true, $6 + s.later, NULL, '{}', $5 + s.later
  FROM generate_series($2::integer, $3::integer) AS n,
       LATERAL (SELECT make_interval(secs => (n - $2) * $7::double precision) AS later) AS s;
