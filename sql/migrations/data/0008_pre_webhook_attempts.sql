-- What each attempt of a webhook delivery came to, deliveries that are sent anew, and why an endpoint is disabled.

ALTER TABLE webhook_endpoints ADD COLUMN disabled_reason text;
-- Business time at which it was enabled again: what happened while it was disabled is not owed to it.
ALTER TABLE webhook_endpoints ADD COLUMN enabled_at timestamptz;
-- Business time of the first failed attempt after which nothing has arrived.
ALTER TABLE webhook_endpoints ADD COLUMN failing_since timestamptz;
-- Business time of the last one, kept to the hour: a span without any attempt is none of failures.
ALTER TABLE webhook_endpoints ADD COLUMN failed_at timestamptz;
ALTER TABLE webhook_endpoints ADD CONSTRAINT failing_endpoint_has_a_last_failure CHECK ((failing_since IS NULL) = (failed_at IS NULL));
ALTER TABLE webhook_endpoints ADD CONSTRAINT disabled_reason_is_known CHECK (disabled_reason IN ('asked', 'gone', 'failing'));
ALTER TABLE webhook_endpoints ADD CONSTRAINT only_what_is_disabled_has_a_reason CHECK (disabled_reason IS NULL OR disabled_at IS NOT NULL);
-- Those that were disabled by what their receivers did, for whoever looks after the installation.
CREATE INDEX endpoints_given_up ON webhook_endpoints (tenant_id, id) WHERE disabled_reason IN ('gone', 'failing');

-- How many attempts it had when it was last asked to be sent anew: the waits begin anew after them.
ALTER TABLE webhook_deliveries ADD COLUMN replayed_after integer NOT NULL DEFAULT 0;
-- What an endpoint was sent, newest first; and what goes with an endpoint that is removed.
CREATE INDEX deliveries_of_endpoint ON webhook_deliveries (tenant_id, endpoint_id, created_at, id);

CREATE TABLE webhook_attempts (
    tenant_id   text        NOT NULL,
    delivery_id text        NOT NULL,
    number      integer     NOT NULL,
    -- Business time at which it ended.
    at          timestamptz NOT NULL,
    duration_ms integer     NOT NULL,
    -- The HTTP status of the answer, if there was one; why it was no success, if it was none.
    status      integer,
    error       text,
    -- The first 2 kB.
    answer      text,
    CONSTRAINT webhook_attempts_pkey PRIMARY KEY (tenant_id, delivery_id, number),
    CONSTRAINT attempt_is_of_a_delivery FOREIGN KEY (tenant_id, delivery_id) REFERENCES webhook_deliveries (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT attempt_was_answered_or_failed CHECK (COALESCE(status::text, error) IS NOT NULL)
);
-- Those to forget are found by their age.
CREATE INDEX webhook_attempts_by_age ON webhook_attempts (tenant_id, at);
ALTER TABLE webhook_attempts ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_attempts FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant_only ON webhook_attempts TO :app_role USING (tenant_id = NULLIF(current_setting('duro.tenant', true), '')) WITH CHECK (tenant_id = NULLIF(current_setting('duro.tenant', true), ''));
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_attempts TO :app_role;

CREATE POLICY scans_see_all_tenants ON webhook_attempts FOR SELECT TO :scan_role USING (true);
-- Scans see how old attempts are, and nothing of what was answered.
GRANT SELECT (tenant_id, at) ON webhook_attempts TO :scan_role;

CREATE POLICY scans_see_all_tenants ON webhook_endpoints FOR SELECT TO :scan_role USING (true);
-- Scans see that an endpoint is disabled, and neither where it is nor its secret.
GRANT SELECT (tenant_id, id, disabled_at, disabled_reason) ON webhook_endpoints TO :scan_role;
