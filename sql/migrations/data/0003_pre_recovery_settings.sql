-- A merchant's recovery settings; each change is a version, and a case keeps the version it was opened under.

CREATE TABLE recovery_settings (
    tenant_id  text        NOT NULL,
    version    integer     NOT NULL,
    settings   jsonb       NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT recovery_settings_pkey PRIMARY KEY (tenant_id, version),
    CONSTRAINT recovery_settings_version_counts_from_two CHECK (version > 1)
);
COMMENT ON TABLE recovery_settings IS 'Version 1 is what everybody begins with and has no row.';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['recovery_settings']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_tenant_only ON %I TO :app_role USING (tenant_id = NULLIF(current_setting(''duro.tenant'', true), '''')) WITH CHECK (tenant_id = NULLIF(current_setting(''duro.tenant'', true), ''''))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO :app_role', name);
    END LOOP;
END
$$;
