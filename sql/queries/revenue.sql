-- How ids come: as in subscriptions.sql.

-- name: read_revenue
-- $2 subscription ids, whose rows the caller holds. What each earns by its plan, and what was recorded last.
SELECT s.id, s.status, p.amount_minor AS price_minor, p.interval, p.interval_count,
       COALESCE(r.currency, p.currency) AS currency, COALESCE(r.monthly_minor, 0) AS before_minor,
       COALESCE((SELECT max(m.position) FROM revenue_movements m
                  WHERE m.tenant_id = s.tenant_id AND m.subscription_id = s.id), 0) AS last_position
  FROM subscriptions s
  JOIN plans p ON p.tenant_id = s.tenant_id AND p.id = s.plan_id
  LEFT JOIN subscription_revenue r ON r.tenant_id = s.tenant_id AND r.subscription_id = s.id
 WHERE s.tenant_id = $1
   AND s.id IN (SELECT unnest($2::text[]) LIMIT cardinality($2::text[]))
 ORDER BY s.id
 LIMIT cardinality($2::text[]);

-- name: insert_movements
-- $2… one array for each column, $9 business time.
INSERT INTO revenue_movements (tenant_id, subscription_id, position, kind, is_involuntary, amount_minor, monthly_minor,
                               currency, moved_at)
SELECT $1, n.*, $9
  FROM unnest($2::text[], $3::integer[], $4::text[], $5::boolean[], $6::bigint[], $7::bigint[], $8::text[]) AS n;

-- name: set_revenue
-- $2 subscription ids, $3 minor units in a month, $4 currencies.
INSERT INTO subscription_revenue (tenant_id, subscription_id, monthly_minor, currency)
SELECT $1, n.*
  FROM unnest($2::text[], $3::bigint[], $4::text[]) AS n
    ON CONFLICT (tenant_id, subscription_id) DO UPDATE SET monthly_minor = excluded.monthly_minor;

-- name: delete_revenue
-- $2 subscription ids that earn nothing any more.
DELETE FROM subscription_revenue
 WHERE tenant_id = $1
   AND subscription_id IN (SELECT unnest($2::text[]) LIMIT cardinality($2::text[]));
