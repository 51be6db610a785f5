-- What each subscription earns in a month and how that moved, and tries that a merchant called off.

-- The present: one row for each subscription that earns something now.
CREATE TABLE subscription_revenue (
    tenant_id       text   NOT NULL,
    subscription_id text   NOT NULL,
    monthly_minor   bigint NOT NULL,
    currency        text   NOT NULL,
    CONSTRAINT subscription_revenue_pkey PRIMARY KEY (tenant_id, subscription_id),
    CONSTRAINT revenue_is_of_a_subscription FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id),
    CONSTRAINT revenue_is_positive CHECK (monthly_minor > 0)
);

-- The history, written in the transaction of the change: what it came to afterwards, and by how much it moved.
CREATE TABLE revenue_movements (
    tenant_id       text        NOT NULL,
    subscription_id text        NOT NULL,
    position        integer     NOT NULL,
    kind            text        NOT NULL,
    is_involuntary  boolean     NOT NULL,
    amount_minor    bigint      NOT NULL,
    monthly_minor   bigint      NOT NULL,
    currency        text        NOT NULL,
    moved_at        timestamptz NOT NULL,
    CONSTRAINT revenue_movements_pkey PRIMARY KEY (tenant_id, subscription_id, position),
    CONSTRAINT revenue_movement_is_of_a_subscription FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id),
    CONSTRAINT revenue_movement_kind_is_known CHECK (kind IN ('new', 'reactivation', 'expansion', 'contraction', 'churn')),
    CONSTRAINT only_churn_is_involuntary CHECK (kind = 'churn' OR NOT is_involuntary),
    CONSTRAINT revenue_movement_moves_something CHECK (amount_minor > 0),
    CONSTRAINT churn_leaves_nothing CHECK ((kind = 'churn') = (monthly_minor = 0))
);
CREATE INDEX revenue_movements_by_instant ON revenue_movements (tenant_id, moved_at);

ALTER TABLE dunning_schedules ADD COLUMN attempts_skipped integer NOT NULL DEFAULT 0;
ALTER TABLE dunning_schedules ADD CONSTRAINT skipped_attempts_are_counted_from_zero CHECK (attempts_skipped >= 0);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['subscription_revenue', 'revenue_movements']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_tenant_only ON %I TO :app_role USING (tenant_id = NULLIF(current_setting(''duro.tenant'', true), '''')) WITH CHECK (tenant_id = NULLIF(current_setting(''duro.tenant'', true), ''''))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO :app_role', name);
    END LOOP;
END
$$;
