-- OAuth client credentials and the access tokens given for them (RFC 6749 section 4.4).

CREATE TABLE oauth_clients (
    tenant_id    text        NOT NULL,
    id           text        NOT NULL,
    mode         text        NOT NULL,
    name         text        NOT NULL,
    -- The public half, `cid_<mode>_…`; its row is looked up before its tenant is known.
    client_id    text        NOT NULL,
    digest       bytea       NOT NULL,
    created_at   timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at   timestamptz,
    CONSTRAINT oauth_clients_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT oauth_client_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    CONSTRAINT oauth_client_mode_is_known CHECK (mode IN ('test', 'live')),
    CONSTRAINT oauth_client_digest_is_sha256 CHECK (length(digest) = 32)
);
CREATE INDEX oauth_clients_by_client_id ON oauth_clients (client_id);

CREATE TABLE oauth_tokens (
    tenant_id       text        NOT NULL,
    id              text        NOT NULL,
    oauth_client_id text        NOT NULL,
    digest          bytea       NOT NULL,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    CONSTRAINT oauth_tokens_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT oauth_token_belongs_to_a_client FOREIGN KEY (tenant_id, oauth_client_id) REFERENCES oauth_clients (tenant_id, id),
    CONSTRAINT oauth_token_digest_is_sha256 CHECK (length(digest) = 32)
);
CREATE INDEX oauth_tokens_by_digest ON oauth_tokens (digest);
CREATE INDEX oauth_tokens_by_expiry ON oauth_tokens (expires_at);

ALTER TABLE api_keys ADD COLUMN last_used_at timestamptz;

ALTER TABLE oauth_clients ENABLE ROW LEVEL SECURITY;
ALTER TABLE oauth_clients FORCE ROW LEVEL SECURITY;
ALTER TABLE oauth_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE oauth_tokens FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE ON oauth_clients TO duro_core;
GRANT SELECT, INSERT, UPDATE, DELETE ON oauth_tokens TO duro_core;
CREATE POLICY core_manages_oauth_clients ON oauth_clients TO duro_core USING (true) WITH CHECK (true);
CREATE POLICY core_manages_oauth_tokens ON oauth_tokens TO duro_core USING (true) WITH CHECK (true);
