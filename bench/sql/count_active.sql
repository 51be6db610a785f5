-- Subscriptions of the tenant of the connection whose first charge succeeded.
SELECT count(*)
  FROM subscriptions
 WHERE status = 'active';
