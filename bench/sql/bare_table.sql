-- What the bare transaction writes to: a key, an instant and a value, without references or row security.
CREATE TABLE sandbox.bench_rows (
    tenant_id text NOT NULL,
    number bigint NOT NULL,
    value jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, number)
);
GRANT INSERT ON sandbox.bench_rows TO duro_sandbox;
