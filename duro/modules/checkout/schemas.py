"""Checkout sessions as they come in and go out."""

import re
from datetime import datetime
from ipaddress import ip_address
from typing import Annotated, Final, TypeAlias
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from duro.kit.email import Email
from duro.kit.schema import AmountMinor, Body, Metadata, Out
from duro.modules.catalog.schemas import Currency
from duro.modules.checkout.model import CheckoutSession, Kind, SessionStatus
from duro.modules.customers.schemas import Phone

_URL_MAX: Final = 2048
# RFC 3986: what may stand in an address; everything else is written with %.
_URL: Final = re.compile(r"https?://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+", re.IGNORECASE)
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
_HOST_MAX: Final = 253


def _to_return_url(text: str) -> str:
    if not _URL.fullmatch(text) or not _is_address(text):
        raise PydanticCustomError(
            "return_url", "Must be an https address such as https://example.com/thanks"
        )
    return text


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    return "@" not in parts.netloc and port != 0 and _is_host(parts)


def _is_host(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    if not parts.netloc.startswith("["):
        return len(host) <= _HOST_MAX and _HOST.fullmatch(host) is not None
    try:
        # A zone (`%eth0`) means something on one machine only.
        return "%" not in host and ip_address(host).version == 6  # noqa: PLR2004 - brackets are for IPv6
    except ValueError:
        return False


def is_https(url: str) -> bool:
    return urlsplit(url).scheme == "https"


def is_on_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


ReturnUrl: TypeAlias = Annotated[
    str,
    StringConstraints(max_length=_URL_MAX),
    AfterValidator(_to_return_url),
    Field(
        json_schema_extra={"format": "uri"},
        description="https; in test mode also http to localhost.",
    ),
]


class CheckoutCreate(Body):
    """Exactly one of `planId`, `amount` and `paymentLinkId`; what a plan costs is looked up here."""

    plan_id: str | None = None
    amount: AmountMinor | None = None
    payment_link_id: str | None = None
    currency: Annotated[Currency, Field(description="Of `amount`; a plan has its own.")] = "NGN"
    customer_email: Email | None = None
    customer_phone: Phone | None = None
    customer_id: str | None = None
    success_url: ReturnUrl | None = None
    cancel_url: ReturnUrl | None = None
    promo_code: Annotated[
        str | None, Field(description="Of a plan. It is redeemed when the customer pays.")
    ] = None
    metadata: Metadata = Field(default_factory=dict)


class CheckoutSessionOut(Out):
    id: str
    token: Annotated[
        str | None,
        Field(description="What opens the session; only in the answer that makes it, else null."),
    ]
    url: Annotated[
        str | None,
        Field(description="The page to send the customer to; it holds the token, so as `token`."),
    ]
    status: SessionStatus
    kind: Kind
    amount: Annotated[
        int, Field(description="Of the first charged period, or once; the promo code is taken off.")
    ]
    currency: str
    plan_id: str | None
    expires_at: datetime
    payment_link_id: str | None
    promo_code_id: str | None
    customer_id: str | None
    customer_email: str | None
    customer_phone: str | None
    success_url: str | None
    cancel_url: str | None
    metadata: dict[str, str]
    created_at: datetime


def session_out(
    session: CheckoutSession, *, now: datetime, token: str | None = None, url: str | None = None
) -> CheckoutSessionOut:
    return CheckoutSessionOut(
        id=session.id,
        token=token,
        url=url,
        status=session.status_at(now),
        kind=session.kind,
        amount=session.amount_minor,
        currency=session.currency,
        plan_id=session.plan_id,
        expires_at=session.expires_at,
        payment_link_id=session.payment_link_id,
        promo_code_id=session.promo_code_id,
        customer_id=session.customer_id,
        customer_email=session.customer_email,
        customer_phone=session.customer_phone,
        success_url=session.success_url,
        cancel_url=session.cancel_url,
        metadata=session.metadata,
        created_at=session.created_at,
    )
