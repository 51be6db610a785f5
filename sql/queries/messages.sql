-- name: insert_messages
-- $2 ids, $3 templates, $4 customer ids, $5 causes, $6 data, $7 business now. The constraint keeps each cause to one
-- message per template, also when the same change is worked on twice.
INSERT INTO outbox (tenant_id, id, template, customer_id, cause, data, status, created_at)
SELECT $1, item.id, item.template, item.customer_id, item.cause, item.data, 'queued', $7
  FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[])
       AS item (id, template, customer_id, cause, data)
    ON CONFLICT ON CONSTRAINT one_message_per_cause DO NOTHING;

-- name: list_messages
-- $2 and $3 the last message seen (createdAt, id), $4 created since, $5 limit.
SELECT id, template, customer_id, cause, data, status, created_at
  FROM outbox
 WHERE tenant_id = $1
   AND (created_at, id) < ($2, $3)
   AND created_at >= $4
 ORDER BY created_at DESC, id DESC
 LIMIT $5;
