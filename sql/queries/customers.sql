-- How ids come: as in subscriptions.sql.

-- name: insert_customer
-- $2 id, $3 e-mail, $4 phone, $5 name, $6 the merchant's own id, $7 metadata, $8 created.
INSERT INTO customers (tenant_id, id, email, email_folded, phone, name, merchant_ref, metadata, created_at)
VALUES ($1, $2, $3, lower($3), $4, $5, $6, $7, $8);

-- name: get_customer
-- $2 id.
SELECT id, email, phone, name, merchant_ref, blacklisted_at, blacklist_reason, metadata, created_at
  FROM customers
 WHERE tenant_id = $1
   AND id = $2;

-- name: get_customer_by_ref
-- $2 the merchant's own id.
SELECT id, email, phone, name, merchant_ref, blacklisted_at, blacklist_reason, metadata, created_at
  FROM customers
 WHERE tenant_id = $1
   AND merchant_ref = $2;

-- name: find_customers
-- $2 ids.
SELECT id, email, phone, name, merchant_ref, blacklisted_at, blacklist_reason, metadata, created_at
  FROM customers
 WHERE tenant_id = $1
   AND id IN (SELECT unnest($2::text[]) LIMIT cardinality($2::text[]))
 ORDER BY id
 LIMIT cardinality($2::text[]);

-- name: find_by_contact
-- $2 ids, $3 e-mails in lower case, $4 phones, $5 limit. Whoever has any of them.
SELECT id, email, phone, name, merchant_ref, blacklisted_at, blacklist_reason, metadata, created_at
  FROM customers
 WHERE tenant_id = $1
   AND (id = ANY ($2::text[]) OR email_folded = ANY ($3::text[]) OR phone = ANY ($4::text[]))
 ORDER BY id
 LIMIT $5;

-- name: lock_customer
-- $2 id. Two changes at once: the second reads what the first has written.
SELECT id, email, phone, name, merchant_ref, blacklisted_at, blacklist_reason, metadata, created_at
  FROM customers
 WHERE tenant_id = $1
   AND id = $2
   FOR UPDATE;

-- name: list_customers
-- $2 and $3 the last row of the page before, $4 not older than, $5 e-mail in any case, $6 phone, $7 the merchant's own
-- id, $8 only blacklisted or others, $9 limit.
SELECT id, email, phone, name, merchant_ref, blacklisted_at, blacklist_reason, metadata, created_at
  FROM customers
 WHERE tenant_id = $1
   AND (created_at, id) < ($2::timestamptz, $3::text)
   AND created_at >= $4::timestamptz
   AND ($5::text IS NULL OR lower(email) = lower($5))
   AND ($6::text IS NULL OR phone = $6)
   AND ($7::text IS NULL OR merchant_ref = $7)
   AND ($8::boolean IS NULL OR (blacklisted_at IS NOT NULL) = $8)
 ORDER BY created_at DESC, id DESC
 LIMIT $9;

-- name: update_customer
-- $2 id, $3 e-mail, $4 phone, $5 name, $6 the merchant's own id, $7 blacklisted, $8 why, $9 metadata.
UPDATE customers
   SET email = $3,
       email_folded = lower($3),
       phone = $4,
       name = $5,
       merchant_ref = $6,
       blacklisted_at = $7,
       blacklist_reason = $8,
       metadata = $9
 WHERE tenant_id = $1
   AND id = $2;
