"""Endpoints and what they were sent, as members see and change them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, TypeAlias

from pydantic import Field, StringConstraints

from duro.kit.pagination import ListQuery
from duro.kit.schema import NOT_NULL, Body, Choice, InstantIn, Out
from duro.modules.events.model import EventType
from duro.modules.webhooks.egress import Answer, Answered
from duro.modules.webhooks.model import (
    Attempt,
    DeliveryStatus,
    DisabledReason,
    Endpoint,
    Sent,
)
from duro.modules.webhooks.schemas import AttemptOut, attempt_out

_URL_MAX: Final = 2048
Address: TypeAlias = Annotated[
    str,
    StringConstraints(min_length=1, max_length=_URL_MAX),
    Field(description="https on port 443 or 8443, at a public address."),
]
Types: TypeAlias = Annotated[
    list[Annotated[EventType, Choice]],
    Field(max_length=len(EventType), description="An empty list is all of them."),
]


class EndpointCreate(Body):
    url: Address
    events: Types = Field(default_factory=list)


class EndpointUpdate(Body):
    """Only what is given changes."""

    url: Annotated[Address | None, NOT_NULL] = None
    events: Annotated[Types | None, NOT_NULL] = None


class ReplayAsk(Body):
    """A span of business time, by when events happened."""

    since: InstantIn
    until: Annotated[InstantIn | None, Field(description="Exclusive; null has no end.")] = None
    all: Annotated[bool, Field(description="Also what has arrived.")] = False


class DeliveryQuery(ListQuery):
    status: DeliveryStatus | None = None


class EndpointOut(Out):
    id: str
    url: str
    events: list[EventType]
    disabled_at: datetime | None
    disabled_reason: DisabledReason | None
    created_at: datetime


class EndpointWithSecretOut(EndpointOut):
    secret: Annotated[str, Field(description="In this answer and in no other.")]


class EnabledOut(EndpointOut):
    waiting: Annotated[int, Field(description="Deliveries that had waited and are due now.")]


class RemovedOut(Out):
    id: str


class TriedOut(Out):
    is_delivered: bool
    status: Annotated[int | None, Field(description="HTTP status of the answer.")]
    answer: Annotated[str | None, Field(description="The first 2 kB of the answer.")]
    error: Annotated[str | None, Field(description="Why there was no answer.")]


class ReplayedOut(Out):
    count: Annotated[int, Field(description="Deliveries that are on their way again.")]


class SentOut(Out):
    id: str
    endpoint_id: str
    event_id: str
    event_type: EventType
    status: DeliveryStatus
    attempts: int
    next_attempt_at: Annotated[
        datetime | None, Field(description="Null when settled, or while the endpoint is disabled.")
    ]
    last_status: Annotated[int | None, Field(description="HTTP status of the last answer.")]
    last_error: str | None
    created_at: datetime
    settled_at: datetime | None


class SentDetailOut(SentOut):
    attempt_log: Annotated[
        list[AttemptOut], Field(description="The last ten attempts, in their order.")
    ]


def endpoint_out(endpoint: Endpoint) -> EndpointOut:
    return EndpointOut(
        id=endpoint.id,
        url=endpoint.url,
        events=[EventType(name) for name in endpoint.types],
        disabled_at=endpoint.disabled_at,
        disabled_reason=endpoint.disabled_reason,
        created_at=endpoint.created_at,
    )


def endpoint_with_secret_out(endpoint: Endpoint, secret: str) -> EndpointWithSecretOut:
    return EndpointWithSecretOut(**dict(endpoint_out(endpoint)), secret=secret)


def enabled_out(endpoint: Endpoint, waiting: int) -> EnabledOut:
    return EnabledOut(**dict(endpoint_out(endpoint)), waiting=waiting)


def tried_out(answer: Answer) -> TriedOut:
    if isinstance(answer, Answered):
        return TriedOut(
            is_delivered=answer.is_success,
            status=answer.status,
            answer=answer.excerpt,
            error=None,
        )
    return TriedOut(is_delivered=False, status=None, answer=None, error=answer.reason)


def sent_out(sent: Sent) -> SentOut:
    return SentOut(
        id=sent.id,
        endpoint_id=sent.endpoint_id,
        event_id=sent.event_id,
        event_type=sent.event_type,
        status=sent.status,
        attempts=sent.attempts,
        next_attempt_at=sent.next_attempt_at,
        last_status=sent.last_status,
        last_error=sent.last_error,
        created_at=sent.created_at,
        settled_at=sent.settled_at,
    )


def sent_detail_out(sent: Sent, attempts: Sequence[Attempt]) -> SentDetailOut:
    return SentDetailOut(
        **dict(sent_out(sent)), attempt_log=[attempt_out(each) for each in attempts]
    )
