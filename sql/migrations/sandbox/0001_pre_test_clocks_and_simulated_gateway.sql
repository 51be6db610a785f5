-- What only the test mode has: clocks that can be moved and a gateway that keeps its own books.

CREATE TABLE test_clocks (
    tenant_id   text        NOT NULL,
    -- Business time of the tenant; null means real time.
    now         timestamptz,
    -- Wall time until which the worker that moves this clock may be alive.
    lease_until timestamptz,
    CONSTRAINT test_clocks_pkey PRIMARY KEY (tenant_id)
);

CREATE TABLE clock_advances (
    tenant_id    text        NOT NULL,
    id           text        NOT NULL,
    target_at    timestamptz NOT NULL,
    -- The last event before it; those after it are its own.
    after_event  bigint      NOT NULL,
    counts       jsonb       NOT NULL,
    requested_at timestamptz NOT NULL,
    finished_at  timestamptz,
    failure      text,
    CONSTRAINT clock_advances_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT failed_advance_is_finished CHECK (failure IS NULL OR finished_at IS NOT NULL)
);
CREATE UNIQUE INDEX one_advance_at_a_time ON clock_advances (tenant_id) WHERE finished_at IS NULL;

CREATE TABLE simulated_tokens (
    tenant_id     text        NOT NULL,
    token         text        NOT NULL,
    instrument    text        NOT NULL,
    -- New references seen, and the tenant's time of the first.
    uses          integer     NOT NULL,
    first_used_at timestamptz,
    CONSTRAINT simulated_tokens_pkey PRIMARY KEY (tenant_id, token)
);

CREATE TABLE simulated_charges (
    tenant_id    text        NOT NULL,
    reference    text        NOT NULL,
    token        text        NOT NULL,
    amount_minor bigint      NOT NULL,
    currency     text        NOT NULL,
    -- `dropped` is a request that the gateway never saw: no look-up finds it and the books do not show it.
    status       text        NOT NULL,
    code         text,
    charged_at   timestamptz NOT NULL,
    CONSTRAINT simulated_charges_pkey PRIMARY KEY (tenant_id, reference),
    CONSTRAINT simulated_status_is_known CHECK (status IN ('dropped', 'succeeded', 'failed')),
    CONSTRAINT simulated_failure_has_a_code CHECK ((status = 'failed') = (code IS NOT NULL))
);
CREATE INDEX simulated_charges_newest_first ON simulated_charges (tenant_id, charged_at DESC, reference DESC);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['test_clocks', 'clock_advances', 'simulated_tokens', 'simulated_charges']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_tenant_only ON %I TO :app_role USING (tenant_id = NULLIF(current_setting(''duro.tenant'', true), '''')) WITH CHECK (tenant_id = NULLIF(current_setting(''duro.tenant'', true), ''''))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO :app_role', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['test_clocks', 'clock_advances']
    LOOP
        EXECUTE format('CREATE POLICY scans_see_all_tenants ON %I FOR SELECT TO :scan_role USING (true)', name);
        EXECUTE format('GRANT SELECT ON %I TO :scan_role', name);
    END LOOP;
END
$$;
