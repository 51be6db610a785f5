-- name: read_revenue
-- $2 from, $3 to. What was earned at $3 is what is earned now without what moved since, so that the cost is the period's
-- and what came after it, not the whole history.
  WITH present AS (
       SELECT currency, sum(monthly_minor) AS monthly_minor, count(*) AS subscriptions
         FROM subscription_revenue
        WHERE tenant_id = $1
        GROUP BY currency
       ),
       moved AS (
       SELECT m.currency,
              sum(m.amount_minor * m.sign) FILTER (WHERE m.moved_at >= $3) AS monthly_later,
              sum(m.step) FILTER (WHERE m.moved_at >= $3) AS active_later,
              sum(m.amount_minor) FILTER (WHERE m.kind = 'new' AND m.moved_at < $3) AS new_minor,
              sum(m.amount_minor) FILTER (WHERE m.kind = 'reactivation' AND m.moved_at < $3) AS reactivation_minor,
              sum(m.amount_minor) FILTER (WHERE m.kind = 'expansion' AND m.moved_at < $3) AS expansion_minor,
              sum(m.amount_minor) FILTER (WHERE m.kind = 'contraction' AND m.moved_at < $3) AS contraction_minor,
              sum(m.amount_minor) FILTER (WHERE m.kind = 'churn' AND NOT m.is_involuntary AND m.moved_at < $3) AS voluntary_minor,
              sum(m.amount_minor) FILTER (WHERE m.is_involuntary AND m.moved_at < $3) AS involuntary_minor,
              count(*) FILTER (WHERE m.step = 1 AND m.moved_at < $3) AS started,
              count(*) FILTER (WHERE m.kind = 'churn' AND NOT m.is_involuntary AND m.moved_at < $3) AS voluntary,
              count(*) FILTER (WHERE m.is_involuntary AND m.moved_at < $3) AS involuntary
         FROM (SELECT currency, kind, is_involuntary, amount_minor, moved_at,
                      CASE WHEN kind IN ('contraction', 'churn') THEN -1 ELSE 1 END AS sign,
                      CASE kind WHEN 'churn' THEN -1 WHEN 'new' THEN 1 WHEN 'reactivation' THEN 1 ELSE 0 END AS step
                 FROM revenue_movements
                WHERE tenant_id = $1
                  AND moved_at >= $2) AS m
        GROUP BY m.currency
       )
SELECT currency,
       COALESCE(p.monthly_minor, 0) - COALESCE(m.monthly_later, 0) AS closing_minor,
       COALESCE(p.subscriptions, 0) - COALESCE(m.active_later, 0) AS active,
       COALESCE(m.new_minor, 0) AS new_minor,
       COALESCE(m.reactivation_minor, 0) AS reactivation_minor,
       COALESCE(m.expansion_minor, 0) AS expansion_minor,
       COALESCE(m.contraction_minor, 0) AS contraction_minor,
       COALESCE(m.voluntary_minor, 0) AS voluntary_minor,
       COALESCE(m.involuntary_minor, 0) AS involuntary_minor,
       COALESCE(m.started, 0) AS started,
       COALESCE(m.voluntary, 0) AS voluntary,
       COALESCE(m.involuntary, 0) AS involuntary
  FROM present AS p
  FULL JOIN moved AS m USING (currency)
 ORDER BY currency
 LIMIT 100;

-- name: read_ledger
-- $2 from, $3 to. `at_risk` rows sum up to what is at risk at $3: the open cases now without what moved since.
SELECT currency, 'at_risk' AS movement, '' AS reason, sum(amount_minor) AS amount_minor
  FROM dunning_schedules
 WHERE tenant_id = $1
   AND closed_at IS NULL
 GROUP BY currency
 UNION ALL
SELECT currency, 'at_risk', '', sum(CASE movement WHEN 'entered' THEN -amount_minor ELSE amount_minor END)
  FROM recovery_ledger
 WHERE tenant_id = $1
   AND moved_at >= $3
 GROUP BY currency
 UNION ALL
SELECT currency, movement, reason, sum(amount_minor)
  FROM recovery_ledger
 WHERE tenant_id = $1
   AND moved_at >= $2
   AND moved_at < $3
 GROUP BY currency, movement, reason
 ORDER BY currency, movement, reason
 LIMIT 10000;

-- name: read_cohort
-- $2 from, $3 to. The cases of invoices billed in the period; a case is never opened before its invoice is billed, so
-- the index by opening finds them. The first failure says why the money came to be at risk.
SELECT d.currency, d.state, COALESCE(f.failure_code, d.failure_code) AS failure_code,
       COALESCE(f.failure_category, d.failure_category) AS failure_category, count(*) AS cases,
       sum(d.amount_minor - CASE d.state WHEN 'recovered' THEN i.amount_refunded_minor ELSE 0 END) AS amount_minor
  FROM dunning_schedules d
  JOIN invoices i ON i.tenant_id = d.tenant_id AND i.id = d.invoice_id
  LEFT JOIN LATERAL (SELECT a.failure_code, a.failure_category
                       FROM payment_attempts a
                      WHERE a.tenant_id = d.tenant_id
                        AND a.invoice_id = d.invoice_id
                        AND a.status = 'failed'
                      ORDER BY a.created_at, a.id
                      LIMIT 1) AS f ON true
 WHERE d.tenant_id = $1
   AND d.opened_at >= $2
   AND i.created_at >= $2
   AND i.created_at < $3
 GROUP BY d.currency, d.state, COALESCE(f.failure_code, d.failure_code), COALESCE(f.failure_category, d.failure_category)
 ORDER BY d.currency, d.state, failure_code, failure_category
 LIMIT 10000;
