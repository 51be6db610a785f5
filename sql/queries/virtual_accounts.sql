-- name: insert_virtual_account
-- The columns in order. A customer has one: who comes second finds the first.
INSERT INTO virtual_accounts (tenant_id, id, customer_id, bank_name, account_number, account_name, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (tenant_id, customer_id) DO NOTHING;

-- name: find_virtual_account
-- $2 id.
SELECT id, customer_id, bank_name, account_number, account_name, created_at
  FROM virtual_accounts
 WHERE tenant_id = $1
   AND id = $2;

-- name: find_virtual_accounts_of_customers
-- $2 customers; one_virtual_account_per_customer allows each at most one row.
SELECT id, customer_id, bank_name, account_number, account_name, created_at
  FROM virtual_accounts
 WHERE tenant_id = $1
   AND customer_id = ANY($2::text[])
 ORDER BY customer_id
 LIMIT cardinality($2::text[]);

-- name: find_virtual_account_by_number
-- $2 account number.
SELECT id, customer_id, bank_name, account_number, account_name, created_at
  FROM virtual_accounts
 WHERE tenant_id = $1
   AND account_number = $2;
