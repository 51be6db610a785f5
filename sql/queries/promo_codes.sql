-- name: insert_promo_code
-- One value for each column.
INSERT INTO promo_codes (tenant_id, id, code, discount_type, discount_value, currency, plan_id, duration,
                         duration_cycles, max_redemptions, redeemed_count, expires_at, disabled_at, metadata,
                         created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);

-- name: get_promo_code
-- $2 id.
SELECT id, code, discount_type, discount_value, currency, plan_id, duration, duration_cycles, max_redemptions,
       redeemed_count, expires_at, disabled_at, metadata, created_at
  FROM promo_codes
 WHERE tenant_id = $1
   AND id = $2;

-- name: find_promo_codes
-- $2 ids.
SELECT id, code, discount_type, discount_value, currency, plan_id, duration, duration_cycles, max_redemptions,
       redeemed_count, expires_at, disabled_at, metadata, created_at
  FROM promo_codes
 WHERE tenant_id = $1
   AND id = ANY ($2::text[])
 ORDER BY id
 LIMIT cardinality($2::text[]);

-- name: find_promo_code_by_code
-- $2 the code in any case.
SELECT id, code, discount_type, discount_value, currency, plan_id, duration, duration_cycles, max_redemptions,
       redeemed_count, expires_at, disabled_at, metadata, created_at
  FROM promo_codes
 WHERE tenant_id = $1
   AND upper(code) = upper($2);

-- name: lock_promo_codes
-- $2 ids. Last in the lock order: who holds one waits for no other row.
SELECT id, code, discount_type, discount_value, currency, plan_id, duration, duration_cycles, max_redemptions,
       redeemed_count, expires_at, disabled_at, metadata, created_at
  FROM promo_codes
 WHERE tenant_id = $1
   AND id = ANY ($2::text[])
 ORDER BY id
   FOR UPDATE;

-- name: list_promo_codes
-- $2 and $3 the last row of the page before, $4 not older than, $5 the code in any case, $6 plan, $7 only what can be
-- redeemed at $8 or what cannot, $9 limit.
SELECT id, code, discount_type, discount_value, currency, plan_id, duration, duration_cycles, max_redemptions,
       redeemed_count, expires_at, disabled_at, metadata, created_at
  FROM promo_codes
 WHERE tenant_id = $1
   AND (created_at, id) < ($2::timestamptz, $3::text)
   AND created_at >= $4::timestamptz
   AND ($5::text IS NULL OR upper(code) = upper($5))
   AND ($6::text IS NULL OR plan_id = $6)
   AND ($7::boolean IS NULL
        OR $7 = (disabled_at IS NULL
                 AND (expires_at IS NULL OR expires_at > $8::timestamptz)
                 AND (max_redemptions IS NULL OR redeemed_count < max_redemptions)))
 ORDER BY created_at DESC, id DESC
 LIMIT $9;

-- name: update_promo_code
-- $2 id, $3 redemptions at most, $4 expires, $5 disabled, $6 metadata.
UPDATE promo_codes
   SET max_redemptions = $3,
       expires_at = $4,
       disabled_at = $5,
       metadata = $6
 WHERE tenant_id = $1
   AND id = $2;

-- name: redeem_promo_code
-- $2 id, $3 business time. The condition and the count are one statement, so a limit holds however many ask at once.
UPDATE promo_codes
   SET redeemed_count = redeemed_count + 1
 WHERE tenant_id = $1
   AND id = $2
   AND disabled_at IS NULL
   AND (expires_at IS NULL OR expires_at > $3)
   AND (max_redemptions IS NULL OR redeemed_count < max_redemptions);

-- name: return_redemptions
-- $2 ids, $3 how many of each; the rows are locked.
UPDATE promo_codes AS p
   SET redeemed_count = p.redeemed_count - n.times
  FROM unnest($2::text[], $3::integer[]) AS n (id, times)
 WHERE p.tenant_id = $1
   AND p.id = n.id;
