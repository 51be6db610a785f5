-- $1 tenant, $2 id, $3 created at. A monthly plan of ₦5,000.
INSERT INTO plans (tenant_id, id, name, amount_minor, currency, interval, interval_count, trial_days, allow_multiple,
                   metadata, created_at)
VALUES ($1, $2, 'Gold', 500000, 'NGN', 'month', 1, 0, false, '{}', $3);
