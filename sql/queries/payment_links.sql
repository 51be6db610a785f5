-- name: insert_payment_link
-- $2 id, $3 plan, $4 slug, $5 active, $6 metadata, $7 created.
INSERT INTO payment_links (tenant_id, id, plan_id, slug, is_active, metadata, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: insert_payment_slug
-- $2 link, $3 slug, $4 mode. Of all tenants one has a slug: the key of this table decides.
INSERT INTO payment_slugs (tenant_id, link_id, slug, mode)
VALUES ($1, $2, $3, $4);

-- name: get_payment_link
-- $2 id.
SELECT id, plan_id, slug, is_active, metadata, created_at
  FROM payment_links
 WHERE tenant_id = $1
   AND id = $2;

-- name: lock_payment_link
-- $2 id. Two changes at once: the second reads what the first has written.
SELECT id, plan_id, slug, is_active, metadata, created_at
  FROM payment_links
 WHERE tenant_id = $1
   AND id = $2
   FOR UPDATE;

-- name: list_payment_links
-- $2 and $3 the last row of the page before, $4 not older than, $5 plan, $6 only active or others, $7 limit.
SELECT id, plan_id, slug, is_active, metadata, created_at
  FROM payment_links
 WHERE tenant_id = $1
   AND (created_at, id) < ($2::timestamptz, $3::text)
   AND created_at >= $4::timestamptz
   AND ($5::text IS NULL OR plan_id = $5)
   AND ($6::boolean IS NULL OR is_active = $6)
 ORDER BY created_at DESC, id DESC
 LIMIT $7;

-- name: update_payment_link
-- $2 id, $3 active, $4 metadata.
UPDATE payment_links
   SET is_active = $3,
       metadata = $4
 WHERE tenant_id = $1
   AND id = $2;

-- name: find_payment_slug
-- scope: core
-- $1 mode, $2 slug. The slug is what says whose link it is, so this look-up has no tenant yet.
SELECT tenant_id, link_id
  FROM payment_slugs
 WHERE mode = $1
   AND slug = $2;
