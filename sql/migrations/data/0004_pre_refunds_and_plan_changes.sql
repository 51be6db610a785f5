-- Refunds, plan changes that wait for their charge, and the movements of a subscription's credit balance.

CREATE TABLE refunds (
    tenant_id     text        NOT NULL,
    id            text        NOT NULL,
    invoice_id    text        NOT NULL,
    attempt_id    text        NOT NULL,
    status        text        NOT NULL,
    amount_minor  bigint      NOT NULL,
    currency      text        NOT NULL,
    reason        text,
    reference     text        NOT NULL,
    failure_code  text,
    check_at      timestamptz,
    checks        integer     NOT NULL,
    lease_until   timestamptz,
    review_reason text,
    settled_at    timestamptz,
    created_at    timestamptz NOT NULL,
    CONSTRAINT refunds_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT refund_of_an_invoice FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id),
    CONSTRAINT refund_of_an_attempt FOREIGN KEY (tenant_id, attempt_id) REFERENCES payment_attempts (tenant_id, id),
    CONSTRAINT refund_reference_is_unique UNIQUE (tenant_id, reference),
    CONSTRAINT refund_status_is_known CHECK (status IN ('pending', 'unknown', 'succeeded', 'failed')),
    CONSTRAINT settled_refund_has_its_instant CHECK ((status IN ('succeeded', 'failed')) = (settled_at IS NOT NULL)),
    CONSTRAINT open_refund_has_a_next_check CHECK (status IN ('succeeded', 'failed') OR check_at IS NOT NULL OR review_reason IS NOT NULL),
    CONSTRAINT refund_amount_is_positive CHECK (amount_minor > 0)
);
CREATE INDEX refunds_of_invoice ON refunds (tenant_id, invoice_id, created_at, id);
CREATE INDEX refunds_to_reconcile ON refunds (tenant_id, check_at, id) WHERE status IN ('pending', 'unknown');

CREATE TABLE balance_entries (
    tenant_id           text        NOT NULL,
    id                  text        NOT NULL,
    subscription_id     text        NOT NULL,
    invoice_id          text,
    -- Minor units; positive gives credit, negative uses it up.
    amount_minor        bigint      NOT NULL,
    balance_after_minor bigint      NOT NULL,
    reason              text        NOT NULL,
    created_at          timestamptz NOT NULL,
    CONSTRAINT balance_entries_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT balance_entry_of_a_subscription FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id),
    CONSTRAINT balance_entry_moves_something CHECK (amount_minor <> 0),
    CONSTRAINT balance_is_never_negative CHECK (balance_after_minor >= 0),
    CONSTRAINT balance_reason_is_known CHECK (reason IN ('downgrade', 'plan_change', 'renewal', 'void'))
);
CREATE INDEX balance_entries_of_subscription ON balance_entries (tenant_id, subscription_id, created_at, id);

-- A change whose charge is under way: it happens when that settles, and others wait for it.
ALTER TABLE subscriptions ADD COLUMN pending_change jsonb;
ALTER TABLE subscriptions ADD CONSTRAINT only_an_active_subscription_waits_for_a_change CHECK (pending_change IS NULL OR status = 'active');
-- What a change of plan put on the next invoice, in minor units.
ALTER TABLE subscriptions ADD COLUMN carried_minor bigint NOT NULL DEFAULT 0;
ALTER TABLE subscriptions ADD CONSTRAINT carried_amount_is_not_negative CHECK (carried_minor >= 0);
-- What the present period costs as a whole, after discount, as it was billed; null says the plan's price.
ALTER TABLE subscriptions ADD COLUMN period_price_minor bigint;
ALTER TABLE subscriptions ADD CONSTRAINT period_price_is_not_negative CHECK (period_price_minor >= 0);

-- What happens to a closed case moves its amount on: a refund, a payment after the end, an invoice that is voided.
-- `cause_id` names it, and is empty for the case's own course, in which it enters once and leaves once.
ALTER TABLE recovery_ledger ADD COLUMN cause_id text NOT NULL DEFAULT '';
ALTER TABLE recovery_ledger DROP CONSTRAINT recovery_ledger_pkey;
ALTER TABLE recovery_ledger ADD CONSTRAINT recovery_ledger_pkey PRIMARY KEY (tenant_id, schedule_id, movement, cause_id);
DROP INDEX a_case_leaves_the_ledger_once;
CREATE UNIQUE INDEX a_case_leaves_the_ledger_once ON recovery_ledger (tenant_id, schedule_id) WHERE movement <> 'entered' AND cause_id = '';
ALTER TABLE recovery_ledger DROP CONSTRAINT ledger_amount_is_positive;
ALTER TABLE recovery_ledger ADD CONSTRAINT ledger_amount_moves_something CHECK (amount_minor > 0 OR cause_id <> '' AND amount_minor < 0);

ALTER TABLE payment_attempts DROP CONSTRAINT attempt_purpose_is_known;
ALTER TABLE payment_attempts ADD CONSTRAINT attempt_purpose_is_known CHECK (purpose IN ('first', 'renewal', 'retry', 'plan_change', 'manual'));

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['refunds', 'balance_entries']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_tenant_only ON %I TO :app_role USING (tenant_id = NULLIF(current_setting(''duro.tenant'', true), '''')) WITH CHECK (tenant_id = NULLIF(current_setting(''duro.tenant'', true), ''''))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO :app_role', name);
    END LOOP;
END
$$;

CREATE POLICY scans_see_all_tenants ON refunds FOR SELECT TO :scan_role USING (true);
GRANT SELECT ON refunds TO :scan_role;
