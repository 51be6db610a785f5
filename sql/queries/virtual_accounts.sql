-- name: insert_virtual_account
-- The columns in order. A customer has one: who comes second finds the first.
INSERT INTO virtual_accounts (tenant_id, id, customer_id, bank_name, account_number, account_name, check_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (tenant_id, customer_id) DO NOTHING;

-- name: find_virtual_account
-- $2 id.
SELECT id, customer_id, bank_name, account_number, account_name, check_at, created_at
  FROM virtual_accounts
 WHERE tenant_id = $1
   AND id = $2;

-- name: find_virtual_accounts_of_customers
-- $2 customers; one_virtual_account_per_customer allows each at most one row.
SELECT id, customer_id, bank_name, account_number, account_name, check_at, created_at
  FROM virtual_accounts
 WHERE tenant_id = $1
   AND customer_id = ANY($2::text[])
 ORDER BY customer_id
 LIMIT cardinality($2::text[]);

-- name: find_virtual_account_by_number
-- $2 account number.
SELECT id, customer_id, bank_name, account_number, account_name, check_at, created_at
  FROM virtual_accounts
 WHERE tenant_id = $1
   AND account_number = $2;

-- name: set_account_check
-- $2 id, $3 when the gateway is next asked what came.
UPDATE virtual_accounts
   SET check_at = $3
 WHERE tenant_id = $1
   AND id = $2;

-- name: find_accounts_to_check
-- $2 business now, $3 limit; the longest due first.
SELECT id, customer_id, bank_name, account_number, account_name, check_at, created_at
  FROM virtual_accounts
 WHERE tenant_id = $1
   AND check_at <= $2
 ORDER BY check_at, id
 LIMIT $3;

-- name: list_tenants_with_accounts_to_check
-- scope: all tenants
-- $1 wall now, $2 tenants with a time of their own, $3 those times. As list_tenants_with_attempts_to_reconcile.
  WITH RECURSIVE waiting AS (
       (SELECT tenant_id
          FROM virtual_accounts
         WHERE check_at IS NOT NULL
         ORDER BY tenant_id
         LIMIT 1)
       UNION ALL
       SELECT (SELECT a.tenant_id
                 FROM virtual_accounts AS a
                WHERE a.check_at IS NOT NULL
                  AND a.tenant_id > w.tenant_id
                ORDER BY a.tenant_id
                LIMIT 1)
         FROM waiting AS w
        WHERE w.tenant_id IS NOT NULL
       )
SELECT w.tenant_id
  FROM waiting AS w
  LEFT JOIN unnest($2::text[], $3::timestamptz[]) AS own (tenant_id, now) ON own.tenant_id = w.tenant_id
 WHERE w.tenant_id IS NOT NULL
   AND (SELECT a.check_at
          FROM virtual_accounts AS a
         WHERE a.tenant_id = w.tenant_id
           AND a.check_at IS NOT NULL
         ORDER BY a.check_at, a.id
         LIMIT 1) <= coalesce(own.now, $1)
 ORDER BY w.tenant_id;

-- name: next_account_to_check
SELECT check_at
  FROM virtual_accounts
 WHERE tenant_id = $1
   AND check_at IS NOT NULL
 ORDER BY check_at, id
 LIMIT 1;
