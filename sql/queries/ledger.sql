-- name: insert_entries
-- $2 business time, $3 rows, which come as in subscriptions.sql. A cause moves its money once, however often it is written.
INSERT INTO ledger_entries (tenant_id, cause, cause_id, debit, credit, amount_minor, currency, posted_at)
SELECT $1, n.cause, n.cause_id, n.debit, n.credit, n.amount_minor, n.currency, $2::timestamptz
  FROM json_to_recordset($3::json)
       AS n (cause text, cause_id text, debit text, credit text, amount_minor bigint, currency text)
    ON CONFLICT (tenant_id, cause, cause_id, debit, credit) DO NOTHING;

-- name: read_balances
-- Debits less credits of each account.
SELECT e.currency,
       COALESCE(sum(e.amount_minor * s.sign) FILTER (WHERE s.account = 'gateway_clearing'), 0) AS gateway_clearing,
       COALESCE(sum(e.amount_minor * s.sign) FILTER (WHERE s.account = 'customer_credit'), 0) AS customer_credit,
       COALESCE(sum(e.amount_minor * s.sign) FILTER (WHERE s.account = 'wallet'), 0) AS wallet,
       COALESCE(sum(e.amount_minor * s.sign) FILTER (WHERE s.account = 'merchant_payable'), 0) AS merchant_payable,
       COALESCE(sum(e.amount_minor * s.sign) FILTER (WHERE s.account = 'suspense'), 0) AS suspense
  FROM ledger_entries e
 CROSS JOIN LATERAL (VALUES (e.debit, 1), (e.credit, -1)) AS s (account, sign)
 WHERE e.tenant_id = $1
 GROUP BY e.currency
 ORDER BY e.currency
 LIMIT 100;
