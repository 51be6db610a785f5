-- name: read_business_now
-- A test tenant's own time; no row means real time.
SELECT now
  FROM test_clocks
 WHERE tenant_id = $1
   AND now IS NOT NULL;

-- name: list_clocks
-- scope: all tenants
-- Tenants with a time of their own, and whether it is being moved. Scans pass over those.
SELECT c.tenant_id, c.now,
       EXISTS (SELECT FROM clock_advances a WHERE a.tenant_id = c.tenant_id AND a.finished_at IS NULL) AS is_advancing
  FROM test_clocks c
 WHERE c.now IS NOT NULL
 ORDER BY c.tenant_id;

-- name: lock_clock
-- The row is made at its first use, and held until the transaction ends.
INSERT INTO test_clocks (tenant_id, now)
VALUES ($1, NULL)
    ON CONFLICT (tenant_id) DO UPDATE SET tenant_id = excluded.tenant_id
RETURNING now;

-- name: set_clock
-- $2 the tenant's time; null lets it run again.
UPDATE test_clocks
   SET now = $2
 WHERE tenant_id = $1;

-- name: claim_clock
-- $2 wall time, $3 lease. Whoever moves the clock holds it for a few seconds at a time; the lease is also the proof of it.
UPDATE test_clocks
   SET lease_until = $3
 WHERE tenant_id = $1
   AND (lease_until IS NULL OR lease_until < $2)
RETURNING tenant_id;

-- name: move_clock
-- $2 the tenant's time, never back; $3 the lease held, $4 the next one. No row: another mover has taken over.
UPDATE test_clocks
   SET now = greatest(now, $2), lease_until = $4
 WHERE tenant_id = $1
   AND lease_until = $3
RETURNING tenant_id;

-- name: extend_clock_lease
-- $2 the lease held, $3 the next one. No row: as in move_clock.
UPDATE test_clocks
   SET lease_until = $3
 WHERE tenant_id = $1
   AND lease_until = $2
RETURNING tenant_id;

-- name: release_clock
-- $2 the lease held.
UPDATE test_clocks
   SET lease_until = NULL
 WHERE tenant_id = $1
   AND lease_until = $2;

-- name: insert_advance
-- $2 id, $3 target, $4 last event before it, $5 wall time.
INSERT INTO clock_advances (tenant_id, id, target_at, after_event, counts, requested_at)
VALUES ($1, $2, $3, $4, '{}', $5);

-- name: find_open_advance
-- The advance under way.
SELECT id, target_at, after_event, counts, finished_at, failure
  FROM clock_advances
 WHERE tenant_id = $1
   AND finished_at IS NULL;

-- name: find_advance
-- $2 id. A reset may have erased it.
SELECT id, target_at, after_event, counts, finished_at, failure
  FROM clock_advances
 WHERE tenant_id = $1
   AND id = $2;

-- name: save_advance
-- $2 id, $3 counts so far, $4 finished at (wall), $5 failure.
UPDATE clock_advances
   SET counts = $3, finished_at = $4, failure = $5
 WHERE tenant_id = $1
   AND id = $2;

-- name: list_tenants_with_advances
-- scope: all tenants
-- $1 wall time; $2 and $3 as every scan gives them: an advancing tenant is what this one looks for.
SELECT a.tenant_id
  FROM clock_advances a
  LEFT JOIN test_clocks c ON c.tenant_id = a.tenant_id
 WHERE a.finished_at IS NULL
   AND (c.lease_until IS NULL OR c.lease_until < $1::timestamptz)
   AND cardinality($2::text[]) = cardinality($3::timestamptz[])
 ORDER BY a.tenant_id;

-- name: next_advance
-- An advance is no work that falls due by the clock it moves.
SELECT NULL::timestamptz
  FROM test_clocks
 WHERE tenant_id = $1;

-- name: count_cycles
-- $2 how many renewing subscriptions there are of each cadence.
SELECT p.interval, p.interval_count, count(*) AS subscriptions
  FROM subscriptions s
  JOIN plans p ON p.tenant_id = s.tenant_id AND p.id = s.plan_id
 WHERE s.tenant_id = $1
   AND s.renews_at IS NOT NULL
   AND s.renews_at <= $2
 GROUP BY p.interval, p.interval_count
 ORDER BY p.interval, p.interval_count;

-- name: find_charge_under_way
-- $2 wall time. An attempt whose process may still be waiting for the gateway.
SELECT id
  FROM payment_attempts
 WHERE tenant_id = $1
   AND status = 'pending'
   AND lease_until > $2
 ORDER BY id
 LIMIT 1;

-- name: free_attempts
-- Whoever held these attempts may be dead, and asking the gateway again under the same reference is safe.
UPDATE payment_attempts
   SET lease_until = $2
 WHERE tenant_id = $1
   AND status = 'pending'
   AND lease_until > $2;

-- name: free_refunds
-- As free_attempts: the reference of a refund makes a repeat harmless.
UPDATE refunds
   SET lease_until = $2
 WHERE tenant_id = $1
   AND status = 'pending'
   AND lease_until > $2;

-- name: free_deliveries
-- As free_attempts: a delivery twice under one id is what receivers expect of a crash.
UPDATE webhook_deliveries
   SET lease_until = $2
 WHERE tenant_id = $1
   AND status = 'pending'
   AND lease_until > $2;

-- name: free_messages
-- As free_attempts: a message twice under one id is what a crash may do.
UPDATE outbox
   SET lease_until = $2
 WHERE tenant_id = $1
   AND status = 'sending'
   AND lease_until > $2;

-- name: erase_clock_advances
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM clock_advances
 WHERE tenant_id = $1;

-- name: erase_idempotency_keys
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM idempotency_keys
 WHERE tenant_id = $1;

-- name: erase_outbox
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM outbox
 WHERE tenant_id = $1;

-- name: erase_contact_caps
DELETE FROM contact_caps
 WHERE tenant_id = $1;

-- name: erase_message_optouts
DELETE FROM message_optouts
 WHERE tenant_id = $1;

-- name: erase_webhook_attempts
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM webhook_attempts
 WHERE tenant_id = $1;

-- name: erase_endpoint_failures
-- Endpoints stay; since when they fail is an instant of the clock that is reset.
UPDATE webhook_endpoints
   SET failing_since = NULL,
       failed_at = NULL
 WHERE tenant_id = $1
   AND failing_since IS NOT NULL;

-- name: erase_webhook_deliveries
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM webhook_deliveries
 WHERE tenant_id = $1;

-- name: erase_events
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM events
 WHERE tenant_id = $1;

-- name: erase_subscription_revenue
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM subscription_revenue
 WHERE tenant_id = $1;

-- name: erase_revenue_movements
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM revenue_movements
 WHERE tenant_id = $1;

-- name: erase_suspense_items
DELETE FROM suspense_items
 WHERE tenant_id = $1;

-- name: erase_incoming_payments
DELETE FROM incoming_payments
 WHERE tenant_id = $1;

-- name: erase_payment_requests
DELETE FROM payment_requests
 WHERE tenant_id = $1;

-- name: erase_gateway_callbacks
DELETE FROM gateway_callbacks
 WHERE tenant_id = $1;

-- name: erase_mandates
DELETE FROM mandates
 WHERE tenant_id = $1;

-- name: erase_charge_caps
DELETE FROM charge_caps
 WHERE tenant_id = $1;

-- name: erase_ledger_entries
DELETE FROM ledger_entries
 WHERE tenant_id = $1;

-- name: erase_refunds
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM refunds
 WHERE tenant_id = $1;

-- name: erase_balance_entries
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM balance_entries
 WHERE tenant_id = $1;

-- name: erase_recovery_ledger
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM recovery_ledger
 WHERE tenant_id = $1;

-- name: erase_dunning_decisions
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM dunning_decisions
 WHERE tenant_id = $1;

-- name: erase_dunning_schedules
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM dunning_schedules
 WHERE tenant_id = $1;

-- name: erase_payment_attempts
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM payment_attempts
 WHERE tenant_id = $1;

-- name: erase_invoices
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM invoices
 WHERE tenant_id = $1;

-- name: erase_subscriptions
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM subscriptions
 WHERE tenant_id = $1;

-- name: erase_promo_codes
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM promo_codes
 WHERE tenant_id = $1;

-- name: erase_reminder_replans
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM reminder_replans
 WHERE tenant_id = $1;

-- name: erase_checkout_sessions
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM checkout_sessions
 WHERE tenant_id = $1;

-- name: erase_payment_links
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM payment_links
 WHERE tenant_id = $1;

-- name: erase_payment_slugs
-- The reset of a test tenant: its slugs are free for others. A role has the slugs of its own mode only.
DELETE FROM payment_slugs
 WHERE tenant_id = $1;

-- name: erase_payment_methods
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM payment_methods
 WHERE tenant_id = $1;

-- name: erase_virtual_accounts
DELETE FROM virtual_accounts
 WHERE tenant_id = $1;

-- name: erase_customers
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM customers
 WHERE tenant_id = $1;

-- name: erase_plans
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM plans
 WHERE tenant_id = $1;

-- name: erase_simulated_credits
DELETE FROM simulated_credits
 WHERE tenant_id = $1;

-- name: erase_simulated_requests
DELETE FROM simulated_requests
 WHERE tenant_id = $1;

-- name: erase_simulated_refunds
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM simulated_refunds
 WHERE tenant_id = $1;

-- name: erase_simulated_charges
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM simulated_charges
 WHERE tenant_id = $1;

-- name: erase_simulated_tokens
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM simulated_tokens
 WHERE tenant_id = $1;

-- name: erase_test_clocks
-- The reset of a test tenant; what refers to others goes before them.
DELETE FROM test_clocks
 WHERE tenant_id = $1;
