-- The simulated gateway's books of payment requests, of the money that came for them, and of mandates.

CREATE TABLE simulated_requests (
    tenant_id      text        NOT NULL,
    reference      text        NOT NULL,
    rail           text        NOT NULL,
    amount_minor   bigint      NOT NULL,
    currency       text        NOT NULL,
    details        jsonb       NOT NULL,
    expires_at     timestamptz NOT NULL,
    requested_at   timestamptz NOT NULL,
    CONSTRAINT simulated_requests_pkey PRIMARY KEY (tenant_id, reference),
    CONSTRAINT simulated_request_amount_is_positive CHECK (amount_minor > 0)
);

CREATE TABLE simulated_credits (
    tenant_id    text        NOT NULL,
    id           text        NOT NULL,
    -- The reference of a request, or the number of a virtual account.
    reference    text        NOT NULL,
    amount_minor bigint      NOT NULL,
    currency     text        NOT NULL,
    paid_at      timestamptz NOT NULL,
    CONSTRAINT simulated_credits_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT simulated_credit_is_positive CHECK (amount_minor > 0)
);
CREATE INDEX simulated_credits_of_reference ON simulated_credits (tenant_id, reference, paid_at, id);

-- What came by a push rail can go back as well.
ALTER TABLE simulated_refunds DROP CONSTRAINT simulated_refund_of_a_charge;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['simulated_requests', 'simulated_credits']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_tenant_only ON %I TO :app_role USING (tenant_id = NULLIF(current_setting(''duro.tenant'', true), '''')) WITH CHECK (tenant_id = NULLIF(current_setting(''duro.tenant'', true), ''''))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO :app_role', name);
    END LOOP;
END
$$;
