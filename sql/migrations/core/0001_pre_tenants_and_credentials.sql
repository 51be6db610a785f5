-- What belongs to an installation rather than to a mode: tenants and their credentials.

CREATE TABLE tenants (
    id         text        NOT NULL,
    name       text        NOT NULL,
    time_zone  text        NOT NULL DEFAULT 'Africa/Lagos',
    currency   text        NOT NULL DEFAULT 'NGN',
    created_at timestamptz NOT NULL,
    CONSTRAINT tenants_pkey PRIMARY KEY (id),
    CONSTRAINT tenant_currency_is_iso CHECK (currency ~ '^[A-Z]{3}$')
);

CREATE TABLE api_keys (
    tenant_id    text        NOT NULL,
    id           text        NOT NULL,
    mode         text        NOT NULL,
    kind         text        NOT NULL,
    digest       bytea       NOT NULL,
    hint         text        NOT NULL,
    created_at   timestamptz NOT NULL,
    revoked_at   timestamptz,
    CONSTRAINT api_keys_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT api_key_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    CONSTRAINT api_key_mode_is_known CHECK (mode IN ('test', 'live')),
    CONSTRAINT api_key_kind_is_known CHECK (kind IN ('secret', 'publishable')),
    CONSTRAINT api_key_digest_is_sha256 CHECK (length(digest) = 32)
);

-- A credential is looked up before its tenant is known. SHA-256 of 128 random bits does not collide, so the index need not be unique.
CREATE INDEX api_keys_by_digest ON api_keys (digest);

ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_keys FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, UPDATE ON tenants, api_keys TO duro_core;
GRANT SELECT ON tenants TO duro_sandbox, duro_live;

CREATE POLICY core_manages_tenants ON tenants TO duro_core USING (true) WITH CHECK (true);
CREATE POLICY core_manages_keys ON api_keys TO duro_core USING (true) WITH CHECK (true);
CREATE POLICY own_tenant_only ON tenants FOR SELECT TO duro_sandbox, duro_live
    USING (id = NULLIF(current_setting('duro.tenant', true), ''));
