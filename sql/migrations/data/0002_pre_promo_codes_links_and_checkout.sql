-- Promo codes, payment links and checkout sessions: the ways a customer comes to a plan.

CREATE TABLE promo_codes (
    tenant_id       text        NOT NULL,
    id              text        NOT NULL,
    -- Compared without regard to case, kept as the merchant wrote it.
    code            text        NOT NULL,
    discount_type   text        NOT NULL,
    -- Percent, or minor units of `currency`.
    discount_value  bigint      NOT NULL,
    currency        text,
    plan_id         text,
    duration        text        NOT NULL,
    duration_cycles integer,
    max_redemptions integer,
    redeemed_count  integer     NOT NULL,
    expires_at      timestamptz,
    disabled_at     timestamptz,
    metadata        jsonb       NOT NULL,
    created_at      timestamptz NOT NULL,
    CONSTRAINT promo_codes_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT promo_code_of_a_plan FOREIGN KEY (tenant_id, plan_id) REFERENCES plans (tenant_id, id),
    -- Letters and digits of one alphabet only, so that upper() is the same everywhere.
    CONSTRAINT promo_code_has_its_form CHECK (code ~ '^[A-Za-z0-9_-]{1,64}$'),
    CONSTRAINT promo_discount_type_is_known CHECK (discount_type IN ('percentage', 'fixed')),
    CONSTRAINT promo_discount_is_sensible CHECK (discount_value > 0 AND (discount_type = 'fixed' OR discount_value <= 100)),
    CONSTRAINT promo_fixed_discount_has_a_currency CHECK ((discount_type = 'fixed') = (currency IS NOT NULL)),
    CONSTRAINT promo_duration_is_known CHECK (duration IN ('once', 'forever', 'repeating')),
    CONSTRAINT promo_repeating_has_cycles CHECK ((duration = 'repeating') = (duration_cycles IS NOT NULL)),
    CONSTRAINT promo_cycles_are_positive CHECK (duration_cycles > 0),
    CONSTRAINT promo_redemptions_stay_within_the_limit CHECK (redeemed_count >= 0 AND (max_redemptions IS NULL OR redeemed_count <= max_redemptions))
);
CREATE UNIQUE INDEX promo_code_is_unique ON promo_codes (tenant_id, upper(code));
CREATE INDEX promo_codes_newest_first ON promo_codes (tenant_id, created_at DESC, id DESC);

-- What a subscription still gets off: null cycles mean for ever, 0 that it is used up. The code stays with it, so that
-- redeemed_count is the number of subscriptions that have the code.
ALTER TABLE subscriptions ADD COLUMN promo_code_id text;
ALTER TABLE subscriptions ADD COLUMN promo_cycles_left integer;
ALTER TABLE subscriptions ADD CONSTRAINT promo_cycles_left_are_not_negative CHECK (promo_cycles_left >= 0);
ALTER TABLE subscriptions ADD CONSTRAINT promo_cycles_need_a_promo CHECK (promo_cycles_left IS NULL OR promo_code_id IS NOT NULL);
ALTER TABLE subscriptions ADD CONSTRAINT subscription_promo_exists FOREIGN KEY (tenant_id, promo_code_id) REFERENCES promo_codes (tenant_id, id);

CREATE TABLE payment_links (
    tenant_id  text        NOT NULL,
    id         text        NOT NULL,
    plan_id    text        NOT NULL,
    slug       text        NOT NULL,
    is_active  boolean     NOT NULL,
    metadata   jsonb       NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT payment_links_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT payment_link_of_a_plan FOREIGN KEY (tenant_id, plan_id) REFERENCES plans (tenant_id, id),
    CONSTRAINT payment_link_slug_has_its_form CHECK (slug ~ '^[a-z0-9-]{1,100}$')
);
CREATE UNIQUE INDEX payment_link_slug_is_unique ON payment_links (tenant_id, slug);
CREATE INDEX payment_links_newest_first ON payment_links (tenant_id, created_at DESC, id DESC);

CREATE TABLE checkout_sessions (
    tenant_id       text        NOT NULL,
    id              text        NOT NULL,
    -- SHA-256 of the token `cs_<mode>_…` that is the customer's only credential.
    digest          bytea       NOT NULL,
    kind            text        NOT NULL,
    status          text        NOT NULL,
    plan_id         text,
    payment_link_id text,
    amount_minor    bigint      NOT NULL,
    currency        text        NOT NULL,
    customer_id     text,
    customer_email  text,
    customer_phone  text,
    promo_code_id   text,
    success_url     text,
    cancel_url      text,
    metadata        jsonb       NOT NULL,
    expires_at      timestamptz NOT NULL,
    created_at      timestamptz NOT NULL,
    CONSTRAINT checkout_sessions_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT checkout_session_kind_is_known CHECK (kind IN ('subscription', 'one_time')),
    CONSTRAINT checkout_session_status_is_known CHECK (status IN ('open', 'completed', 'expired')),
    CONSTRAINT checkout_session_of_a_plan_or_an_amount CHECK ((kind = 'subscription') = (plan_id IS NOT NULL)),
    CONSTRAINT checkout_amount_is_not_negative CHECK (amount_minor >= 0),
    CONSTRAINT checkout_promo_needs_a_plan CHECK (promo_code_id IS NULL OR plan_id IS NOT NULL),
    CONSTRAINT checkout_session_digest_is_sha256 CHECK (length(digest) = 32)
);
CREATE INDEX checkout_sessions_newest_first ON checkout_sessions (tenant_id, created_at DESC, id DESC);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['promo_codes', 'payment_links', 'checkout_sessions']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_tenant_only ON %I TO :app_role USING (tenant_id = NULLIF(current_setting(''duro.tenant'', true), '''')) WITH CHECK (tenant_id = NULLIF(current_setting(''duro.tenant'', true), ''''))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO :app_role', name);
    END LOOP;
END
$$;
