-- name: lock_recipients
-- $2 customers or addresses, in order. Held until the transaction ends: of two reminders to one person at once the
-- second counts the first. An advisory lock, because not everybody who is written to has a row.
SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' outbox ' || $1::text || ' ' || r.recipient, 0))::text
  FROM unnest($2::text[]) AS r (recipient);

-- name: insert_messages
-- One array for each column, then $10 business time and $11 how many reminders one person gets in 7 days. Each once
-- per cause and template, also when the same change is worked on twice. A reminder above the limit is kept, and never
-- sent; its recipient must be locked (lock_recipients). Earlier ones count from the instant they go out, and none is
-- left out for going out later: so there is no week with more.
-- Scalar subqueries, because an EXISTS may be hashed: that reads the whole outbox.
INSERT INTO outbox (tenant_id, id, template, customer_id, address, recipient, cause, data, is_reminder, status, send_at,
                    created_at)
SELECT $1, item.id, item.template, item.customer_id, item.address, item.recipient, item.cause, item.data,
       item.is_reminder,
       CASE WHEN item.is_reminder
             AND item.nth + (SELECT count(*)
                               FROM outbox AS o
                              WHERE o.tenant_id = $1
                                AND o.recipient = item.recipient
                                AND o.is_reminder
                                AND o.status <> 'capped'
                                AND o.send_at > item.send_at - interval '168 hours') > $11::integer
            THEN 'capped'
            ELSE 'queued'
       END,
       item.send_at, $10
  FROM (SELECT n.*,
               count(*) FILTER (WHERE n.is_reminder) OVER (PARTITION BY n.recipient ORDER BY n.position) AS nth
          FROM (SELECT m.*, COALESCE(m.customer_id, m.address) AS recipient
                  FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::jsonb[], $8::boolean[],
                              $9::timestamptz[]) WITH ORDINALITY
                       AS m (id, template, customer_id, address, cause, data, is_reminder, send_at, position)) AS n
         WHERE NOT n.is_reminder
            OR (SELECT o.id
                  FROM outbox AS o
                 WHERE o.tenant_id = $1
                   AND o.cause = n.cause
                   AND o.template = n.template) IS NULL) AS item
    ON CONFLICT ON CONSTRAINT one_message_per_cause DO NOTHING
RETURNING status;

-- name: list_messages
-- $2 and $3 the last message seen (createdAt, id), $4 created since, $5 limit.
SELECT id, template, customer_id, address, cause, data, status, send_at, created_at
  FROM outbox
 WHERE tenant_id = $1
   AND (created_at, id) < ($2, $3)
   AND created_at >= $4
 ORDER BY created_at DESC, id DESC
 LIMIT $5;
