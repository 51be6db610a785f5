-- What only the test mode has: clocks that can be moved and a gateway that keeps its own books.

CREATE TABLE test_clocks (
    tenant_id    text        NOT NULL,
    -- Business time of the tenant; null means real time.
    now          timestamptz,
    -- An advance under way: where it goes, where its events begin, and what it has done so far.
    target_at    timestamptz,
    first_event  bigint,
    counts       jsonb       NOT NULL,
    -- Wall time until which the worker that advances may be alive.
    lease_until  timestamptz,
    advances     integer     NOT NULL,
    last_error   text,
    CONSTRAINT test_clocks_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT advancing_clock_is_frozen CHECK (target_at IS NULL OR now IS NOT NULL)
);

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
    FOREACH name IN ARRAY ARRAY['test_clocks', 'simulated_tokens', 'simulated_charges']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_tenant_only ON %I TO :app_role USING (tenant_id = current_setting(''duro.tenant'', true)) WITH CHECK (tenant_id = current_setting(''duro.tenant'', true))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO :app_role', name);
    END LOOP;
    EXECUTE 'CREATE POLICY scans_see_all_tenants ON test_clocks FOR SELECT TO :scan_role USING (true)';
    EXECUTE 'GRANT SELECT ON test_clocks TO :scan_role';
END
$$;
