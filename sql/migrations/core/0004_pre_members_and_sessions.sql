-- The team of a tenant, the links by which its members sign in once, and their sessions.

CREATE TABLE members (
    tenant_id  text        NOT NULL,
    id         text        NOT NULL,
    -- Lower-cased before it comes here: one person is one member, however the address is spelled.
    email      text        NOT NULL,
    name       text,
    role       text        NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT members_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT member_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    CONSTRAINT member_email_is_unique UNIQUE (tenant_id, email),
    CONSTRAINT member_email_is_lower_case CHECK (email = lower(email)),
    CONSTRAINT member_role_is_known CHECK (role IN ('owner', 'admin', 'developer', 'finance', 'read_only'))
);
CREATE UNIQUE INDEX one_owner_per_tenant ON members (tenant_id) WHERE role = 'owner';

CREATE TABLE sign_in_links (
    tenant_id  text        NOT NULL,
    id         text        NOT NULL,
    member_id  text        NOT NULL,
    digest     bytea       NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT sign_in_links_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT sign_in_link_is_of_a_member FOREIGN KEY (tenant_id, member_id) REFERENCES members (tenant_id, id)
        ON DELETE CASCADE,
    CONSTRAINT sign_in_link_digest_is_sha256 CHECK (length(digest) = 32),
    CONSTRAINT sign_in_link_ends_after_it_begins CHECK (expires_at > created_at)
);
-- Whoever comes with a token says by it whose tenant and member they are.
CREATE INDEX sign_in_links_by_digest ON sign_in_links (digest);
CREATE INDEX sign_in_links_by_expiry ON sign_in_links (expires_at);
CREATE INDEX sign_in_links_of_member ON sign_in_links (tenant_id, member_id);

CREATE TABLE sessions (
    tenant_id    text        NOT NULL,
    id           text        NOT NULL,
    member_id    text        NOT NULL,
    digest       bytea       NOT NULL,
    user_agent   text,
    created_at   timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    revoked_at   timestamptz,
    CONSTRAINT sessions_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT session_is_of_a_member FOREIGN KEY (tenant_id, member_id) REFERENCES members (tenant_id, id)
        ON DELETE CASCADE,
    CONSTRAINT session_digest_is_sha256 CHECK (length(digest) = 32),
    CONSTRAINT session_ends_after_it_begins CHECK (expires_at > created_at)
);
CREATE INDEX sessions_by_digest ON sessions (digest);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
CREATE INDEX sessions_of_member ON sessions (tenant_id, member_id, created_at, id);

ALTER TABLE members ENABLE ROW LEVEL SECURITY;
ALTER TABLE members FORCE ROW LEVEL SECURITY;
ALTER TABLE sign_in_links ENABLE ROW LEVEL SECURITY;
ALTER TABLE sign_in_links FORCE ROW LEVEL SECURITY;
ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE sessions FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, DELETE ON members TO duro_core;
GRANT UPDATE (name, role) ON members TO duro_core;
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_links TO duro_core;
GRANT SELECT, INSERT, UPDATE, DELETE ON sessions TO duro_core;
-- What happens in a mode is told to the team.
GRANT SELECT ON members TO duro_sandbox, duro_live;

CREATE POLICY core_sees_members ON members FOR SELECT TO duro_core USING (true);
CREATE POLICY core_adds_members ON members FOR INSERT TO duro_core WITH CHECK (true);
-- With the unique index: whoever has an owner keeps exactly that one, whatever the code does.
CREATE POLICY nobody_demotes_an_owner ON members FOR UPDATE TO duro_core
    USING (role <> 'owner') WITH CHECK (role <> 'owner');
CREATE POLICY nobody_removes_an_owner ON members FOR DELETE TO duro_core USING (role <> 'owner');
CREATE POLICY own_tenant_only ON members FOR SELECT TO duro_sandbox, duro_live
    USING (tenant_id = NULLIF(current_setting('duro.tenant', true), ''));
CREATE POLICY core_manages_sign_in_links ON sign_in_links TO duro_core USING (true) WITH CHECK (true);
CREATE POLICY core_manages_sessions ON sessions TO duro_core USING (true) WITH CHECK (true);
