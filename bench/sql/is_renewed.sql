-- $1 tenant, $2 now. Nothing is due and no charge is open; both from partial indexes, whatever the size.
SELECT NOT EXISTS (SELECT FROM subscriptions WHERE tenant_id = $1 AND renews_at <= $2)
   AND NOT EXISTS (SELECT FROM payment_attempts WHERE tenant_id = $1 AND status IN ('pending', 'unknown'));
