"""What a message in the outbox is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message about to be queued.

    `cause` names what it is about, for example an attempt's id: the same template goes out once per cause.
    `data` fills the template's merge tags, JSON throughout.
    """

    template: str
    customer_id: str
    cause: str
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it stands in the outbox. `created_at` is business time."""

    id: str
    template: str
    customer_id: str
    cause: str
    data: dict[str, object]
    status: str
    created_at: datetime
