-- How ids and rows come: as in subscriptions.sql.

-- name: read_revenue
-- $2 ids of subscriptions whose rows the caller holds, $3 the plan of each. What its plan costs, and what was recorded
-- last. The subscriptions themselves are not read, so that this can go with what writes them.
SELECT n.id, p.amount_minor AS price_minor, p.interval, p.interval_count,
       COALESCE(r.currency, p.currency) AS currency, COALESCE(r.monthly_minor, 0) AS before_minor,
       COALESCE((SELECT max(m.position) FROM revenue_movements m
                  WHERE m.tenant_id = $1 AND m.subscription_id = n.id), 0) AS last_position
  FROM (SELECT n.*
          FROM unnest($2::text[], $3::text[]) AS n (id, plan_id)
         LIMIT cardinality($2::text[])) AS n
  JOIN plans p ON p.tenant_id = $1 AND p.id = n.plan_id
  LEFT JOIN subscription_revenue r ON r.tenant_id = $1 AND r.subscription_id = n.id
 ORDER BY n.id
 LIMIT cardinality($2::text[]);

-- name: insert_movements
-- $2 rows, $3 business time.
INSERT INTO revenue_movements (tenant_id, subscription_id, position, kind, is_involuntary, amount_minor, monthly_minor,
                               currency, moved_at)
SELECT $1, n.*, $3
  FROM json_to_recordset($2::json)
       AS n (subscription_id text, position integer, kind text, is_involuntary boolean, amount_minor bigint,
             monthly_minor bigint, currency text);

-- name: set_revenue
-- $2 rows, with minor units in a month.
INSERT INTO subscription_revenue (tenant_id, subscription_id, monthly_minor, currency)
SELECT $1, n.*
  FROM json_to_recordset($2::json) AS n (subscription_id text, monthly_minor bigint, currency text)
    ON CONFLICT (tenant_id, subscription_id) DO UPDATE SET monthly_minor = excluded.monthly_minor;

-- name: delete_revenue
-- $2 subscription ids that earn nothing any more.
DELETE FROM subscription_revenue
 WHERE tenant_id = $1
   AND subscription_id IN (SELECT unnest($2::text[]) LIMIT cardinality($2::text[]));
