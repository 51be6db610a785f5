-- How often one person is reminded, counted over all merchants; what test mode keeps from strangers.
CREATE TABLE contact_caps (
    -- A keyed digest of the address that was written to, in test mode of the tenant as well: no address can be read here.
    person     text          NOT NULL,
    -- Whose test clock counts; null in live mode, where a row belongs to a person and to no tenant.
    tenant_id  text,
    -- Keyed digests of the reminders that count, and for each when it went out, in business time.
    reminders  text[]        NOT NULL,
    counted_at timestamptz[] NOT NULL,
    -- Wall time, after which none of them counts.
    forget_at  timestamptz   NOT NULL,
    CONSTRAINT contact_caps_pkey PRIMARY KEY (person),
    CONSTRAINT every_reminder_has_its_instant CHECK (cardinality(reminders) = cardinality(counted_at)),
    CONSTRAINT nobody_is_reminded_too_often CHECK (cardinality(reminders) <= 7)
);
CREATE INDEX contact_caps_by_forgetting ON contact_caps (forget_at);
CREATE INDEX contact_caps_of_tenant ON contact_caps (tenant_id) WHERE tenant_id IS NOT NULL;

-- Whom a reminder was counted for, and when it took its place in that person's week.
ALTER TABLE outbox ADD COLUMN person text;
ALTER TABLE outbox ADD COLUMN counted_at timestamptz;
ALTER TABLE outbox ADD CONSTRAINT counted_reminder_has_its_instant CHECK ((person IS NULL) = (counted_at IS NULL));
ALTER TABLE outbox NO FORCE ROW LEVEL SECURITY;
-- Earlier ones were counted by merchant and customer.
UPDATE outbox SET person = tenant_id || ' ' || recipient, counted_at = send_at WHERE is_reminder AND status = 'sent';
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
ALTER TABLE outbox ADD CONSTRAINT sent_reminder_was_counted CHECK (status <> 'sent' OR NOT is_reminder OR counted_at IS NOT NULL);
DROP INDEX reminders_of_recipient;
ALTER TABLE outbox DROP CONSTRAINT outbox_status_is_known;
ALTER TABLE outbox ADD CONSTRAINT outbox_status_is_known CHECK (status IN ('queued', 'sending', 'sent', 'failed', 'capped', 'outdated', 'withheld'));

ALTER TABLE contact_caps ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact_caps FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant_only ON contact_caps TO :app_role USING (tenant_id = NULLIF(current_setting('duro.tenant', true), '')) WITH CHECK (tenant_id = NULLIF(current_setting('duro.tenant', true), ''));
-- Who reminds somebody says whom, and reaches their row and no other.
CREATE POLICY named_people_only ON contact_caps TO :app_role USING (person = ANY (string_to_array(current_setting('duro.people', true), ','))) WITH CHECK (person = ANY (string_to_array(current_setting('duro.people', true), ',')));
GRANT SELECT, INSERT, UPDATE, DELETE ON contact_caps TO :app_role;
-- Scans see which rows may be forgotten, and not whose or how many reminders they are.
CREATE POLICY scans_see_all_tenants ON contact_caps FOR SELECT TO :scan_role USING (true);
GRANT SELECT (person, forget_at) ON contact_caps TO :scan_role;
