-- $1 tenant, $2 type. What receivers see of one renewal.
SELECT data::text
  FROM events
 WHERE tenant_id = $1
   AND type = $2
 ORDER BY position
 LIMIT 1;
