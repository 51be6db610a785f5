-- The slugs of payment links: the public page knows nothing but the mode and the slug, so one slug has one owner in a
-- mode, and this table says which tenant that is before there is a tenant to ask for.

CREATE TABLE payment_slugs (
    mode      text NOT NULL,
    slug      text NOT NULL,
    tenant_id text NOT NULL,
    link_id   text NOT NULL,
    CONSTRAINT payment_slugs_pkey PRIMARY KEY (mode, slug),
    CONSTRAINT payment_slug_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    CONSTRAINT payment_slug_mode_is_known CHECK (mode IN ('test', 'live')),
    CONSTRAINT payment_slug_has_its_form CHECK (slug ~ '^[a-z0-9-]{1,100}$')
);
CREATE INDEX payment_slugs_of_tenant ON payment_slugs (tenant_id);

ALTER TABLE payment_slugs ENABLE ROW LEVEL SECURITY;
ALTER TABLE payment_slugs FORCE ROW LEVEL SECURITY;

-- A tenant takes and gives up slugs of its own, each role those of its own mode; only the look-up of the page reads all.
GRANT SELECT, INSERT, DELETE ON payment_slugs TO duro_sandbox, duro_live;
GRANT SELECT ON payment_slugs TO duro_core;
CREATE POLICY own_tenant_in_test ON payment_slugs TO duro_sandbox
    USING (mode = 'test' AND tenant_id = NULLIF(current_setting('duro.tenant', true), ''))
    WITH CHECK (mode = 'test' AND tenant_id = NULLIF(current_setting('duro.tenant', true), ''));
CREATE POLICY own_tenant_in_live ON payment_slugs TO duro_live
    USING (mode = 'live' AND tenant_id = NULLIF(current_setting('duro.tenant', true), ''))
    WITH CHECK (mode = 'live' AND tenant_id = NULLIF(current_setting('duro.tenant', true), ''));
CREATE POLICY core_finds_slugs ON payment_slugs FOR SELECT TO duro_core USING (true);
