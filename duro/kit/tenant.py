"""Who a request or a job acts for."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Tenant:
    """A merchant; `zone` decides on which local day a billing date falls."""

    id: str
    name: str
    zone: ZoneInfo
    currency: str
