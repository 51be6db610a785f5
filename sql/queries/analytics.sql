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

-- name: read_recovery_times
-- $2 from, $3 to, $4 currency. Whole seconds from the first failure to the recovery, of the cohort of read_cohort; both
-- null without a recovery. The percentile is a time that was, none between two.
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY t.took_s) AS median_s,
       percentile_disc(0.9) WITHIN GROUP (ORDER BY t.took_s) AS p90_s
  FROM (SELECT floor(extract(epoch FROM d.closed_at - d.first_failed_at))::bigint AS took_s
          FROM dunning_schedules d
          JOIN invoices i ON i.tenant_id = d.tenant_id AND i.id = d.invoice_id
         WHERE d.tenant_id = $1
           AND d.opened_at >= $2
           AND i.created_at >= $2
           AND i.created_at < $3
           AND d.currency = $4
           AND d.state = 'recovered') AS t;

-- name: read_recovery_tries
-- $2 from, $3 to, $4 currency, $5 time zone. The tries after the first failure, of the cohort of read_cohort: settled,
-- asked of a gateway (what was withdrawn has no category), and not more than was owed. Each counts in four ways.
SELECT CASE WHEN grouping(t.rail) = 0 THEN 'rail'
            WHEN grouping(t.number) = 0 THEN 'number'
            WHEN grouping(t.weekday) = 0 THEN 'weekday'
            ELSE 'day' END AS dimension,
       COALESCE(t.rail, t.number::text, t.weekday::text, t.day::text) AS key,
       count(*) AS tries,
       sum(t.amount_minor) AS tried_minor,
       count(*) FILTER (WHERE t.is_success) AS successes,
       COALESCE(sum(t.amount_minor) FILTER (WHERE t.is_success), 0) AS succeeded_minor
  FROM (SELECT a.rail, a.amount_minor, a.is_success, a.number,
               extract(isodow FROM a.settled_at AT TIME ZONE $5)::integer AS weekday,
               extract(day FROM a.settled_at AT TIME ZONE $5)::integer AS day
          FROM dunning_schedules d
          JOIN invoices i ON i.tenant_id = d.tenant_id AND i.id = d.invoice_id
         CROSS JOIN LATERAL (
               SELECT p.rail, p.amount_minor, p.settled_at, p.status = 'succeeded' AS is_success,
                      row_number() OVER (ORDER BY p.created_at, p.id) AS number
                 FROM payment_attempts p
                WHERE p.tenant_id = d.tenant_id
                  AND p.invoice_id = d.invoice_id
                  AND NOT p.is_excess
                  AND (p.status = 'succeeded' OR p.status = 'failed' AND p.failure_category IS NOT NULL)) AS a
         WHERE d.tenant_id = $1
           AND d.opened_at >= $2
           AND i.created_at >= $2
           AND i.created_at < $3
           AND d.currency = $4) AS t
 WHERE t.number > 1
 GROUP BY GROUPING SETS ((t.rail), (t.number), (t.weekday), (t.day))
 ORDER BY dimension, COALESCE(t.number, t.weekday, t.day), key
 LIMIT 10000;

-- name: read_settings_changes
-- $2 from, $3 to.
SELECT version, changed_at
  FROM recovery_settings
 WHERE tenant_id = $1
   AND changed_at >= $2
   AND changed_at < $3
 ORDER BY version
 LIMIT 1000;
