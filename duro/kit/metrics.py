"""The figures of one process for Prometheus; no label names a tenant, so their number is bounded."""

from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from duro.kit.modes import Mode

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
REGISTRY: Final = CollectorRegistry()
_QUICK: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

_requests: Final = Histogram(
    "duro_http_request_seconds",
    "Time to answer a request.",
    ["operation", "status"],
    registry=REGISTRY,
    buckets=_QUICK,
)
_items: Final = Counter(
    "duro_work_items", "Due items worked on.", ["work", "mode", "result"], registry=REGISTRY
)
_jobs: Final = Counter(
    "duro_jobs", "Jobs that ended, by how.", ["job", "result"], registry=REGISTRY
)
_job_seconds: Final = Histogram(
    "duro_job_seconds", "Time one job took.", ["job"], registry=REGISTRY, buckets=_QUICK
)
_scan_lag: Final = Gauge(
    "duro_scan_lag_seconds", "How late the latest scan began.", ["work"], registry=REGISTRY
)
_scan_tenants: Final = Gauge(
    "duro_scan_tenants",
    "Tenants with due work at the latest scan.",
    ["work", "mode"],
    registry=REGISTRY,
)
_attempts: Final = Counter(
    "duro_payment_attempts", "Charges by outcome.", ["mode", "outcome"], registry=REGISTRY
)
_doorbells: Final = Counter(
    "duro_doorbells", "Doorbells by what became of them.", ["result"], registry=REGISTRY
)
_queue_depth: Final = Gauge(
    "duro_queue_jobs", "Jobs that wait in a queue.", ["queue"], registry=REGISTRY
)
_limited: Final = Counter(
    "duro_requests_limited", "Requests refused by a rate limit.", ["kind"], registry=REGISTRY
)
_violations: Final = Gauge(
    "duro_invariant_violations",
    "Rows that break an invariant, of the tenants as each was checked last.",
    ["invariant"],
    registry=REGISTRY,
)
_checked: Final = Counter(
    "duro_invariants_checked", "Invariants checked, by result.", ["result"], registry=REGISTRY
)
_pool: Final = Gauge(
    "duro_db_connections", "Database connections.", ["pool", "state"], registry=REGISTRY
)


def count_request(operation: str, status: int, took_s: float) -> None:
    """`operation` is the registry's name for the method and path."""
    _requests.labels(operation, str(status)).observe(took_s)


def count_work(*, work: str, mode: Mode, done: int, counts: Mapping[str, int]) -> None:
    _items.labels(work, mode, "done").inc(done)
    for result, count in counts.items():
        _items.labels(work, mode, result).inc(count)


def count_job(*, job: str, result: str, took_s: float) -> None:
    _jobs.labels(job, result).inc()
    _job_seconds.labels(job).observe(took_s)


def count_attempt(*, mode: Mode, outcome: str, count: int = 1) -> None:
    """`outcome` is succeeded, failed, pending or unknown."""
    _attempts.labels(mode, outcome).inc(count)


def count_doorbell(*, result: str) -> None:
    _doorbells.labels(result).inc()


def count_limited(*, kind: str) -> None:
    """`kind` is the class of the operation."""
    _limited.labels(kind).inc()


def note_scan(*, work: str, mode: Mode, tenants: int) -> None:
    _scan_tenants.labels(work, mode).set(tenants)


def note_scan_lag(*, work: str, lag_s: float) -> None:
    _scan_lag.labels(work).set(lag_s)


def note_queue(*, queue: str, waiting: int) -> None:
    _queue_depth.labels(queue).set(waiting)


def note_violations(*, invariant: str, rows: int) -> None:
    _violations.labels(invariant).set(rows)


def count_checked(*, result: str, count: int) -> None:
    """`result` is held, broken or unanswered."""
    _checked.labels(result).inc(count)


def note_pool(*, pool: str, used: int, idle: int) -> None:
    _pool.labels(pool, "used").set(used)
    _pool.labels(pool, "idle").set(idle)


def render() -> bytes:
    """The figures in Prometheus' text format."""
    return generate_latest(REGISTRY)
