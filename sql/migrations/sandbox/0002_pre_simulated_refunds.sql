-- The simulated gateway's books of refunds.

CREATE TABLE simulated_refunds (
    tenant_id        text        NOT NULL,
    reference        text        NOT NULL,
    charge_reference text        NOT NULL,
    amount_minor     bigint      NOT NULL,
    currency         text        NOT NULL,
    status           text        NOT NULL,
    code             text,
    refunded_at      timestamptz NOT NULL,
    CONSTRAINT simulated_refunds_pkey PRIMARY KEY (tenant_id, reference),
    CONSTRAINT simulated_refund_of_a_charge FOREIGN KEY (tenant_id, charge_reference) REFERENCES simulated_charges (tenant_id, reference),
    CONSTRAINT simulated_refund_status_is_known CHECK (status IN ('dropped', 'succeeded', 'failed')),
    CONSTRAINT simulated_refund_failure_has_a_code CHECK ((status = 'failed') = (code IS NOT NULL)),
    CONSTRAINT simulated_refund_amount_is_positive CHECK (amount_minor > 0)
);
CREATE INDEX simulated_refunds_of_charge ON simulated_refunds (tenant_id, charge_reference);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['simulated_refunds']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_tenant_only ON %I TO :app_role USING (tenant_id = NULLIF(current_setting(''duro.tenant'', true), '''')) WITH CHECK (tenant_id = NULLIF(current_setting(''duro.tenant'', true), ''''))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO :app_role', name);
    END LOOP;
END
$$;
