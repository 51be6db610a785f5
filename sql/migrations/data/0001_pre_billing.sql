-- The tables of one mode. The same file makes `sandbox` and `live`; :app_role and :scan_role are that mode's roles.

CREATE TABLE plans (
    tenant_id      text        NOT NULL,
    id             text        NOT NULL,
    name           text        NOT NULL,
    amount_minor   bigint      NOT NULL,
    currency       text        NOT NULL,
    interval       text        NOT NULL,
    interval_count integer     NOT NULL,
    trial_days     integer     NOT NULL,
    max_cycles     integer,
    allow_multiple boolean     NOT NULL,
    archived_at    timestamptz,
    metadata       jsonb       NOT NULL,
    created_at     timestamptz NOT NULL,
    CONSTRAINT plans_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT plan_amount_is_positive CHECK (amount_minor > 0),
    CONSTRAINT plan_interval_is_known CHECK (interval IN ('hour', 'day', 'week', 'month', 'quarter', 'biannual', 'year')),
    CONSTRAINT plan_interval_count_is_positive CHECK (interval_count > 0),
    CONSTRAINT plan_trial_is_not_negative CHECK (trial_days >= 0),
    CONSTRAINT plan_max_cycles_is_positive CHECK (max_cycles > 0)
);
CREATE INDEX plans_newest_first ON plans (tenant_id, created_at DESC, id DESC);

CREATE TABLE customers (
    tenant_id        text        NOT NULL,
    id               text        NOT NULL,
    email            text,
    phone            text,
    name             text,
    merchant_ref     text,
    blacklisted_at   timestamptz,
    blacklist_reason text,
    metadata         jsonb       NOT NULL,
    created_at       timestamptz NOT NULL,
    CONSTRAINT customers_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT customer_merchant_ref_is_unique UNIQUE (tenant_id, merchant_ref)
);
CREATE INDEX customers_newest_first ON customers (tenant_id, created_at DESC, id DESC);

CREATE TABLE payment_methods (
    tenant_id   text        NOT NULL,
    id          text        NOT NULL,
    customer_id text        NOT NULL,
    rail        text        NOT NULL,
    token       text        NOT NULL,
    fingerprint text        NOT NULL,
    brand       text,
    last4       text,
    exp_month   integer,
    exp_year    integer,
    is_default  boolean     NOT NULL,
    created_at  timestamptz NOT NULL,
    CONSTRAINT payment_methods_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT payment_method_belongs_to_a_customer FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id),
    CONSTRAINT payment_method_token_is_unique UNIQUE (tenant_id, token),
    CONSTRAINT payment_method_rail_is_a_pull_rail CHECK (rail IN ('card', 'direct_debit'))
);
CREATE UNIQUE INDEX one_default_method_per_customer ON payment_methods (tenant_id, customer_id) WHERE is_default;
CREATE INDEX payment_methods_of_customer ON payment_methods (tenant_id, customer_id, created_at DESC, id DESC);

CREATE TABLE subscriptions (
    tenant_id            text        NOT NULL,
    id                   text        NOT NULL,
    customer_id          text        NOT NULL,
    plan_id              text        NOT NULL,
    payment_method_id    text,
    status               text        NOT NULL,
    -- Periods are counted from the anchor: this one is [advance(anchor, period_index), advance(anchor, period_index + 1)).
    anchor_at            timestamptz NOT NULL,
    period_index         integer     NOT NULL,
    period_starts_at     timestamptz,
    period_ends_at       timestamptz,
    trial_ends_at        timestamptz,
    cycles_completed     integer     NOT NULL,
    cancel_at_period_end boolean     NOT NULL,
    canceled_at          timestamptz,
    cancel_reason        text,
    balance_minor        bigint      NOT NULL,
    scheduled_plan_id    text,
    is_exclusive         boolean     NOT NULL,
    -- When its renewal is next looked at; null while a charge is under way and in states that do not renew.
    renews_at            timestamptz,
    -- When an incomplete subscription that nobody paid ends.
    expires_at           timestamptz,
    -- When the customer is to be reminded of the coming renewal; null once it is done.
    reminds_at           timestamptz,
    last_payment_error   jsonb,
    latest_invoice_id    text,
    metadata             jsonb       NOT NULL,
    created_at           timestamptz NOT NULL,
    CONSTRAINT subscriptions_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT subscription_belongs_to_a_customer FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id),
    CONSTRAINT subscription_has_a_plan FOREIGN KEY (tenant_id, plan_id) REFERENCES plans (tenant_id, id),
    CONSTRAINT subscription_status_is_known CHECK (status IN ('incomplete', 'incomplete_expired', 'trialing', 'active', 'past_due', 'paused', 'unpaid', 'canceled', 'expired')),
    CONSTRAINT canceled_subscription_has_its_instant CHECK ((status = 'canceled') = (canceled_at IS NOT NULL)),
    CONSTRAINT only_a_renewing_subscription_renews CHECK (renews_at IS NULL OR status IN ('trialing', 'active')),
    CONSTRAINT only_an_incomplete_subscription_expires CHECK (expires_at IS NULL OR status = 'incomplete'),
    CONSTRAINT subscription_period_is_not_empty CHECK (period_starts_at < period_ends_at),
    CONSTRAINT subscription_balance_is_not_negative CHECK (balance_minor >= 0),
    CONSTRAINT subscription_cycles_are_not_negative CHECK (cycles_completed >= 0)
);
CREATE UNIQUE INDEX one_live_subscription_per_customer_and_plan ON subscriptions (tenant_id, customer_id, plan_id)
    WHERE is_exclusive AND status IN ('trialing', 'active', 'past_due', 'paused', 'unpaid');
CREATE INDEX subscriptions_newest_first ON subscriptions (tenant_id, created_at DESC, id DESC);
CREATE INDEX subscriptions_of_customer ON subscriptions (tenant_id, customer_id, created_at DESC, id DESC);
CREATE INDEX subscriptions_due_for_renewal ON subscriptions (tenant_id, renews_at, id) WHERE renews_at IS NOT NULL;
CREATE INDEX subscriptions_due_to_expire ON subscriptions (tenant_id, expires_at, id) WHERE expires_at IS NOT NULL;
CREATE INDEX subscriptions_due_for_a_reminder ON subscriptions (tenant_id, reminds_at, id) WHERE reminds_at IS NOT NULL;

CREATE TABLE invoices (
    tenant_id             text        NOT NULL,
    id                    text        NOT NULL,
    number                text        NOT NULL,
    subscription_id       text,
    customer_id           text        NOT NULL,
    idempotency_key       text        NOT NULL,
    amount_minor          bigint      NOT NULL,
    currency              text        NOT NULL,
    lines                 jsonb       NOT NULL,
    status                text        NOT NULL,
    rail                  text,
    period_index          integer     NOT NULL,
    period_starts_at      timestamptz NOT NULL,
    period_ends_at        timestamptz NOT NULL,
    amount_refunded_minor bigint      NOT NULL,
    paid_at               timestamptz,
    created_at            timestamptz NOT NULL,
    CONSTRAINT invoices_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT one_invoice_per_period UNIQUE (tenant_id, idempotency_key),
    CONSTRAINT invoice_number_is_unique UNIQUE (tenant_id, number),
    CONSTRAINT invoice_belongs_to_a_subscription FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id),
    CONSTRAINT invoice_status_is_known CHECK (status IN ('draft', 'open', 'paid', 'uncollectible', 'void')),
    CONSTRAINT paid_invoice_has_its_instant CHECK ((status = 'paid') = (paid_at IS NOT NULL)),
    CONSTRAINT invoice_amount_is_not_negative CHECK (amount_minor >= 0),
    CONSTRAINT refunds_stay_below_the_amount CHECK (amount_refunded_minor BETWEEN 0 AND amount_minor)
);
CREATE INDEX invoices_newest_first ON invoices (tenant_id, created_at DESC, id DESC);
CREATE INDEX invoices_of_subscription ON invoices (tenant_id, subscription_id, created_at DESC, id DESC);
CREATE INDEX invoices_of_customer ON invoices (tenant_id, customer_id, created_at DESC, id DESC);

CREATE TABLE payment_attempts (
    tenant_id         text        NOT NULL,
    id                text        NOT NULL,
    invoice_id        text        NOT NULL,
    subscription_id   text        NOT NULL,
    customer_id       text        NOT NULL,
    payment_method_id text,
    purpose           text        NOT NULL,
    status            text        NOT NULL,
    amount_minor      bigint      NOT NULL,
    currency          text        NOT NULL,
    rail              text        NOT NULL,
    reference         text        NOT NULL,
    failure_code      text,
    failure_category  text,
    settled_at        timestamptz,
    -- Business time at which the gateway is asked what became of it; null once it is settled.
    check_at          timestamptz,
    checks            integer     NOT NULL,
    -- Wall time until which the process that opened it may still be waiting for the gateway.
    lease_until       timestamptz,
    -- Why a person must look at it: the gateway never knew the reference, or answered another amount.
    review_reason     text,
    created_at        timestamptz NOT NULL,
    CONSTRAINT payment_attempts_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT attempt_belongs_to_an_invoice FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id),
    CONSTRAINT gateway_reference_is_unique UNIQUE (tenant_id, reference),
    CONSTRAINT attempt_purpose_is_known CHECK (purpose IN ('first', 'renewal', 'retry')),
    CONSTRAINT attempt_status_is_known CHECK (status IN ('pending', 'unknown', 'succeeded', 'failed')),
    CONSTRAINT settled_attempt_has_its_instant CHECK ((status IN ('succeeded', 'failed')) = (settled_at IS NOT NULL)),
    CONSTRAINT open_attempt_has_a_next_check CHECK (status IN ('succeeded', 'failed') OR check_at IS NOT NULL OR review_reason IS NOT NULL),
    CONSTRAINT failed_attempt_says_why CHECK ((status = 'failed') = (failure_code IS NOT NULL)),
    CONSTRAINT attempt_amount_is_positive CHECK (amount_minor > 0)
);
CREATE UNIQUE INDEX one_open_pull_attempt_per_invoice ON payment_attempts (tenant_id, invoice_id)
    WHERE status IN ('pending', 'unknown') AND rail IN ('card', 'direct_debit');
CREATE UNIQUE INDEX one_settled_charge_per_invoice ON payment_attempts (tenant_id, invoice_id) WHERE status = 'succeeded';
CREATE INDEX attempts_newest_first ON payment_attempts (tenant_id, created_at DESC, id DESC);
CREATE INDEX attempts_of_invoice ON payment_attempts (tenant_id, invoice_id, created_at, id);
CREATE INDEX attempts_of_customer ON payment_attempts (tenant_id, customer_id, created_at DESC, id DESC);
CREATE INDEX attempts_to_reconcile ON payment_attempts (tenant_id, check_at, id) WHERE status IN ('pending', 'unknown');

CREATE TABLE dunning_schedules (
    tenant_id        text        NOT NULL,
    id               text        NOT NULL,
    subscription_id  text        NOT NULL,
    invoice_id       text        NOT NULL,
    customer_id      text        NOT NULL,
    state            text        NOT NULL,
    amount_minor     bigint      NOT NULL,
    currency         text        NOT NULL,
    rail             text        NOT NULL,
    failure_code     text        NOT NULL,
    failure_category text        NOT NULL,
    attempts_made    integer     NOT NULL,
    settings         jsonb       NOT NULL,
    settings_version integer     NOT NULL,
    next_action      text,
    next_attempt_at  timestamptz,
    reason           text        NOT NULL,
    first_failed_at  timestamptz NOT NULL,
    last_pull_at     timestamptz,
    deadline_at      timestamptz,
    recovered_by     text,
    refund_due_at    timestamptz,
    opened_at        timestamptz NOT NULL,
    closed_at        timestamptz,
    CONSTRAINT dunning_schedules_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT one_schedule_per_invoice UNIQUE (tenant_id, invoice_id),
    CONSTRAINT schedule_works_an_invoice FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id),
    CONSTRAINT schedule_state_is_known CHECK (state IN ('scheduled', 'in_flight', 'awaiting_customer', 'recovered', 'exhausted', 'canceled')),
    CONSTRAINT waiting_schedule_has_a_next_action CHECK ((state IN ('scheduled', 'awaiting_customer')) = (next_attempt_at IS NOT NULL)),
    CONSTRAINT ended_schedule_has_its_instant CHECK ((state IN ('recovered', 'exhausted', 'canceled')) = (closed_at IS NOT NULL)),
    CONSTRAINT recovered_schedule_says_how CHECK ((state = 'recovered') = (recovered_by IS NOT NULL)),
    CONSTRAINT schedule_amount_is_positive CHECK (amount_minor > 0)
);
CREATE INDEX schedules_newest_first ON dunning_schedules (tenant_id, opened_at DESC, id DESC);
CREATE INDEX schedules_of_subscription ON dunning_schedules (tenant_id, subscription_id) WHERE closed_at IS NULL;
CREATE INDEX schedules_due ON dunning_schedules (tenant_id, next_attempt_at, id) WHERE next_attempt_at IS NOT NULL;

CREATE TABLE dunning_decisions (
    tenant_id        text        NOT NULL,
    schedule_id      text        NOT NULL,
    position         integer     NOT NULL,
    decided_at       timestamptz NOT NULL,
    action           text        NOT NULL,
    rail             text,
    next_attempt_at  timestamptz,
    reason           text        NOT NULL,
    rule             text        NOT NULL,
    inputs           jsonb       NOT NULL,
    settings_version integer     NOT NULL,
    CONSTRAINT dunning_decisions_pkey PRIMARY KEY (tenant_id, schedule_id, position),
    CONSTRAINT decision_belongs_to_a_schedule FOREIGN KEY (tenant_id, schedule_id) REFERENCES dunning_schedules (tenant_id, id)
);

CREATE TABLE recovery_ledger (
    tenant_id    text        NOT NULL,
    schedule_id  text        NOT NULL,
    movement     text        NOT NULL,
    amount_minor bigint      NOT NULL,
    currency     text        NOT NULL,
    reason       text        NOT NULL,
    moved_at     timestamptz NOT NULL,
    CONSTRAINT recovery_ledger_pkey PRIMARY KEY (tenant_id, schedule_id, movement),
    CONSTRAINT ledger_movement_is_known CHECK (movement IN ('entered', 'recovered', 'lost', 'cancelled')),
    CONSTRAINT ledger_amount_is_positive CHECK (amount_minor > 0),
    CONSTRAINT ledger_row_belongs_to_a_schedule FOREIGN KEY (tenant_id, schedule_id) REFERENCES dunning_schedules (tenant_id, id)
);
-- A case leaves the ledger once: recovered, lost or cancelled.
CREATE UNIQUE INDEX a_case_leaves_the_ledger_once ON recovery_ledger (tenant_id, schedule_id) WHERE movement <> 'entered';
CREATE INDEX ledger_by_instant ON recovery_ledger (tenant_id, moved_at);

CREATE TABLE events (
    tenant_id     text        NOT NULL,
    id            text        NOT NULL,
    -- Order of writing, so that an object's events are fanned out in the order of its commits.
    position      bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    type          text        NOT NULL,
    object_id     text        NOT NULL,
    data          jsonb       NOT NULL,
    created_at    timestamptz NOT NULL,
    dispatched_at timestamptz,
    CONSTRAINT events_pkey PRIMARY KEY (tenant_id, id)
);
CREATE INDEX events_newest_first ON events (tenant_id, created_at DESC, id DESC);
CREATE INDEX events_by_position ON events (tenant_id, position);
CREATE INDEX events_to_fan_out ON events (tenant_id, created_at, position) WHERE dispatched_at IS NULL;

CREATE TABLE webhook_endpoints (
    tenant_id   text        NOT NULL,
    id          text        NOT NULL,
    url         text        NOT NULL,
    types       text[]      NOT NULL,
    secret      bytea       NOT NULL,
    old_secret  bytea,
    disabled_at timestamptz,
    created_at  timestamptz NOT NULL,
    CONSTRAINT webhook_endpoints_pkey PRIMARY KEY (tenant_id, id)
);

CREATE TABLE webhook_deliveries (
    tenant_id       text        NOT NULL,
    id              text        NOT NULL,
    event_id        text        NOT NULL,
    endpoint_id     text        NOT NULL,
    status          text        NOT NULL,
    attempts        integer     NOT NULL,
    next_attempt_at timestamptz,
    lease_until     timestamptz,
    last_status     integer,
    last_error      text,
    last_answer     text,
    created_at      timestamptz NOT NULL,
    settled_at      timestamptz,
    CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT one_delivery_per_event_and_endpoint UNIQUE (tenant_id, event_id, endpoint_id),
    CONSTRAINT delivery_is_of_an_event FOREIGN KEY (tenant_id, event_id) REFERENCES events (tenant_id, id),
    CONSTRAINT delivery_is_to_an_endpoint FOREIGN KEY (tenant_id, endpoint_id) REFERENCES webhook_endpoints (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT delivery_status_is_known CHECK (status IN ('pending', 'delivered', 'failed')),
    CONSTRAINT pending_delivery_has_a_next_attempt CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL)),
    CONSTRAINT settled_delivery_has_its_instant CHECK ((status = 'pending') = (settled_at IS NULL))
);
CREATE INDEX deliveries_due ON webhook_deliveries (tenant_id, next_attempt_at, id) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX deliveries_due_to_endpoint ON webhook_deliveries (tenant_id, endpoint_id, next_attempt_at, id) WHERE next_attempt_at IS NOT NULL;

CREATE TABLE outbox (
    tenant_id   text        NOT NULL,
    id          text        NOT NULL,
    template    text        NOT NULL,
    customer_id text        NOT NULL,
    cause       text        NOT NULL,
    data        jsonb       NOT NULL,
    status      text        NOT NULL,
    created_at  timestamptz NOT NULL,
    CONSTRAINT outbox_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT one_message_per_cause UNIQUE (tenant_id, cause, template),
    CONSTRAINT outbox_status_is_known CHECK (status IN ('queued'))
);
CREATE INDEX outbox_newest_first ON outbox (tenant_id, created_at DESC, id DESC);

CREATE TABLE idempotency_keys (
    tenant_id    text        NOT NULL,
    key          text        NOT NULL,
    digest       bytea       NOT NULL,
    resource_id  text,
    status       integer,
    body         bytea,
    locked_until timestamptz,
    created_at   timestamptz NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, key),
    CONSTRAINT kept_answer_is_whole CHECK ((status IS NULL) = (body IS NULL)),
    CONSTRAINT unanswered_key_is_locked CHECK (status IS NOT NULL OR locked_until IS NOT NULL)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (tenant_id, created_at);

DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_tenant_only ON %I TO :app_role USING (tenant_id = NULLIF(current_setting(''duro.tenant'', true), '''')) WITH CHECK (tenant_id = NULLIF(current_setting(''duro.tenant'', true), ''''))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO :app_role', name);
    END LOOP;
    -- Scans only ask which tenants have due work; they see these tables and change nothing.
    FOREACH name IN ARRAY ARRAY['subscriptions', 'payment_attempts', 'dunning_schedules', 'events', 'webhook_deliveries', 'idempotency_keys']
    LOOP
        EXECUTE format('CREATE POLICY scans_see_all_tenants ON %I FOR SELECT TO :scan_role USING (true)', name);
        EXECUTE format('GRANT SELECT ON %I TO :scan_role', name);
    END LOOP;
END
$$;
