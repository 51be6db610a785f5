-- How ids and rows come: as in subscriptions.sql.

-- name: lock_tokens
-- $2 tokens, $3 the name of the instrument of each, for those that are new. In their order, so that two batches never
-- wait for each other in a circle: whoever holds a token's row counts its uses alone. The zone is the tenant's, because
-- payday is a local day.
INSERT INTO simulated_tokens AS t (tenant_id, token, instrument, uses, first_used_at)
SELECT $1, n.token, n.instrument, 0, NULL
  FROM unnest($2::text[], $3::text[]) AS n (token, instrument)
 ORDER BY n.token
    ON CONFLICT (tenant_id, token) DO UPDATE SET uses = t.uses
RETURNING t.token, t.uses, t.first_used_at,
          (SELECT n.time_zone
             FROM tenants AS n
            WHERE n.id = $1) AS zone;

-- name: find_charges
-- $2 references. A statement of its own after the lock, so that it sees what the last holder committed.
SELECT reference, amount_minor, currency, status, code, charged_at
  FROM simulated_charges
 WHERE tenant_id = $1
   AND reference IN (SELECT unnest($2::text[]) LIMIT cardinality($2::text[]))
 ORDER BY reference
 LIMIT cardinality($2::text[]);

-- name: count_uses
-- $2 how many, $3 rows of tokens that are locked.
UPDATE simulated_tokens AS t
   SET uses = n.uses,
       first_used_at = n.first_used_at
  FROM (SELECT n.*
          FROM (SELECT n.*
                  FROM json_to_recordset($3::json) AS n (token text, uses integer, first_used_at timestamptz)
                 LIMIT $2::integer) AS n
         LIMIT $2::integer) AS n
 WHERE t.tenant_id = $1
   AND t.token = n.token;

-- name: record_charges
-- $2 rows, $3 the references among them that are known as dropped: such a request may be sent again. Anything else under
-- a known reference is left as it is, which the count tells.
INSERT INTO simulated_charges AS c (tenant_id, reference, token, amount_minor, currency, status, code, charged_at)
SELECT $1, n.reference, n.token, n.amount_minor, n.currency, n.status, n.code, n.charged_at
  FROM json_to_recordset($2::json)
       AS n (reference text, token text, amount_minor bigint, currency text, status text, code text,
             charged_at timestamptz)
 ORDER BY n.reference
    ON CONFLICT (tenant_id, reference) DO UPDATE
   SET token = excluded.token,
       amount_minor = excluded.amount_minor,
       currency = excluded.currency,
       status = excluded.status,
       code = excluded.code,
       charged_at = excluded.charged_at
 WHERE c.status = 'dropped'
   AND c.reference = ANY ($3::text[]);

-- name: list_charges
-- $2, $3 the page begins below this instant and reference, $4 and not before this instant, $5 limit.
SELECT reference, amount_minor, currency, status, code, charged_at
  FROM simulated_charges
 WHERE tenant_id = $1
   AND (charged_at, reference) < ($2, $3)
   AND charged_at >= $4
   AND status <> 'dropped'
 ORDER BY charged_at DESC, reference DESC
 LIMIT $5;

-- name: list_charges_of_reference
-- As list_charges, and $6 reference: a plan of its own, because the primary key finds it.
SELECT reference, amount_minor, currency, status, code, charged_at
  FROM simulated_charges
 WHERE tenant_id = $1
   AND reference = $6
   AND (charged_at, reference) < ($2, $3)
   AND charged_at >= $4
   AND status <> 'dropped'
 ORDER BY charged_at DESC, reference DESC
 LIMIT $5;

-- name: lock_charge
-- $2 reference of the charge. Refunds of one charge follow each other, so that their sum is known.
SELECT amount_minor, currency, status
  FROM simulated_charges
 WHERE tenant_id = $1
   AND reference = $2
   FOR UPDATE;

-- name: lock_credits
-- $2 reference of a request or number of an account, $3 currency. What came under it, as if it were one charge.
SELECT sum(amount_minor)::bigint AS amount_minor, currency, 'succeeded' AS status
  FROM (SELECT amount_minor, currency
          FROM simulated_credits
         WHERE tenant_id = $1
           AND reference = $2
           AND currency = $3
         ORDER BY id
           FOR UPDATE) AS c
 GROUP BY currency;

-- name: find_refund
-- $2 the refund's own reference.
SELECT amount_minor, currency, code
  FROM simulated_refunds
 WHERE tenant_id = $1
   AND reference = $2;

-- name: sum_refunds
-- $2 reference of the charge, whose row is held.
SELECT COALESCE(sum(amount_minor), 0)::bigint
  FROM simulated_refunds
 WHERE tenant_id = $1
   AND charge_reference = $2
   AND status = 'succeeded';

-- name: insert_refund
-- The columns in order.
INSERT INTO simulated_refunds (tenant_id, reference, charge_reference, amount_minor, currency, status, code, refunded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: insert_request
-- The columns in order. The first answer to a reference stays.
INSERT INTO simulated_requests (tenant_id, reference, rail, amount_minor, currency, details, expires_at, requested_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (tenant_id, reference) DO NOTHING;

-- name: find_request
-- $2 reference.
SELECT details, expires_at
  FROM simulated_requests
 WHERE tenant_id = $1
   AND reference = $2;

-- name: insert_credit
-- The columns in order.
INSERT INTO simulated_credits (tenant_id, id, reference, amount_minor, currency, paid_at)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: list_credits
-- $2 reference of a request or number of an account, $3 limit; newest first.
SELECT id, reference, amount_minor, currency, paid_at
  FROM simulated_credits
 WHERE tenant_id = $1
   AND reference = $2
 ORDER BY paid_at DESC, id DESC
 LIMIT $3;

-- name: set_mandate_up
-- $2 token, $3 its instrument, $4 when. A mandate that is set up already keeps its first instant.
INSERT INTO simulated_tokens AS t (tenant_id, token, instrument, uses, first_used_at)
VALUES ($1, $2, $3, 0, $4)
    ON CONFLICT (tenant_id, token) DO UPDATE
   SET first_used_at = excluded.first_used_at
 WHERE t.first_used_at IS NULL;

-- name: find_mandate
-- $2 token.
SELECT first_used_at
  FROM simulated_tokens
 WHERE tenant_id = $1
   AND token = $2
   AND first_used_at IS NOT NULL;
