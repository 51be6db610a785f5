-- Messages are sent: when each is due next, who holds it, what came of it, and what a merchant says in other words.
ALTER TABLE outbox ADD COLUMN due_at timestamptz NOT NULL DEFAULT to_timestamp(0);
ALTER TABLE outbox ADD COLUMN lease_until timestamptz;
ALTER TABLE outbox ADD COLUMN attempts integer NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN channel text;
-- What the mail server or the Cloud API knows it by.
ALTER TABLE outbox ADD COLUMN provider_id text;
ALTER TABLE outbox ADD COLUMN last_error text;
ALTER TABLE outbox ADD COLUMN settled_at timestamptz;
-- What the provider told afterwards, and when.
ALTER TABLE outbox ADD COLUMN receipt text;
ALTER TABLE outbox ADD COLUMN receipt_at timestamptz;
ALTER TABLE outbox NO FORCE ROW LEVEL SECURITY;
UPDATE outbox SET due_at = send_at;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
ALTER TABLE outbox DROP CONSTRAINT outbox_status_is_known;
ALTER TABLE outbox ADD CONSTRAINT outbox_status_is_known CHECK (status IN ('queued', 'sending', 'sent', 'failed', 'capped', 'outdated'));
ALTER TABLE outbox ADD CONSTRAINT message_attempts_are_not_negative CHECK (attempts >= 0);
ALTER TABLE outbox ADD CONSTRAINT message_channel_is_known CHECK (channel IN ('email', 'whatsapp'));
ALTER TABLE outbox ADD CONSTRAINT receipt_is_known CHECK (receipt IN ('sent', 'delivered', 'read', 'failed'));
CREATE INDEX outbox_due ON outbox (tenant_id, due_at, id) WHERE status IN ('queued', 'sending');
CREATE INDEX outbox_by_provider_id ON outbox (provider_id) WHERE provider_id IS NOT NULL;

CREATE TABLE email_templates (
    tenant_id  text        NOT NULL,
    key        text        NOT NULL,
    language   text        NOT NULL,
    channel    text,
    -- Null: what Duro says itself. HTML, sanitised when it was given.
    subject    text,
    body       text,
    is_enabled boolean     NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT email_templates_pkey PRIMARY KEY (tenant_id, key, language),
    CONSTRAINT template_channel_is_known CHECK (channel IN ('email', 'whatsapp'))
);

-- Who wants none of the messages that are not owed: a customer's id, or an address.
CREATE TABLE message_optouts (
    tenant_id  text        NOT NULL,
    recipient  text        NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT message_optouts_pkey PRIMARY KEY (tenant_id, recipient)
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['email_templates', 'message_optouts']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_tenant_only ON %I TO :app_role USING (tenant_id = NULLIF(current_setting(''duro.tenant'', true), '''')) WITH CHECK (tenant_id = NULLIF(current_setting(''duro.tenant'', true), ''''))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO :app_role', name);
    END LOOP;
    EXECUTE 'CREATE POLICY scans_see_all_tenants ON outbox FOR SELECT TO :scan_role USING (true)';
    -- Scans see that something is due and what a provider knows it by, and neither to whom it goes nor what it says.
    GRANT SELECT (tenant_id, status, due_at, lease_until, provider_id) ON outbox TO :scan_role;
END
$$;
