-- The schemas, who may enter them, and the list of what was applied; run by the owner before every migration.

CREATE SCHEMA IF NOT EXISTS core;
CREATE SCHEMA IF NOT EXISTS sandbox;
CREATE SCHEMA IF NOT EXISTS live;

REVOKE ALL ON SCHEMA core, sandbox, live FROM PUBLIC;
GRANT USAGE ON SCHEMA core TO duro_core, duro_sandbox, duro_live, duro_sandbox_scan, duro_live_scan;
GRANT USAGE ON SCHEMA sandbox TO duro_sandbox, duro_sandbox_scan;
GRANT USAGE ON SCHEMA live TO duro_live, duro_live_scan;

CREATE TABLE IF NOT EXISTS core.migrations (
    scope      text        NOT NULL,
    number     integer     NOT NULL,
    name       text        NOT NULL,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT migrations_pkey PRIMARY KEY (scope, number)
);
