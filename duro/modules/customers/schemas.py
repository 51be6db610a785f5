"""Customers as they come in and go out."""

import re
from datetime import datetime
from typing import Annotated, Final, TypeAlias

import phonenumbers
from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from duro.kit.email import Email
from duro.kit.pagination import ListQuery
from duro.kit.schema import NOT_NULL, Body, Flag, Metadata, Name, Out
from duro.modules.customers.model import Customer

_HOME_REGION: Final = "NG"
_PHONE_TEXT: Final = re.compile(r"\+?[0-9()\-. /]{5,30}", re.ASCII)


def _to_e164(text: str) -> str:
    """The number in E.164; one without a country code is Nigerian."""
    try:
        if not _PHONE_TEXT.fullmatch(text):
            raise _bad_phone()
        number = phonenumbers.parse(text, _HOME_REGION)
    except phonenumbers.NumberParseException:
        raise _bad_phone() from None
    if not phonenumbers.is_valid_number(number):
        raise _bad_phone()
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _bad_phone() -> PydanticCustomError:
    return PydanticCustomError("phone", "Must be a valid phone number such as 0803 123 4567")


Phone: TypeAlias = Annotated[
    str, AfterValidator(_to_e164), Field(description="Any usual form; kept as E.164.")
]
MerchantRef: TypeAlias = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255),
    Field(description="Your own id of the customer; unique."),
]


class CustomerCreate(Body):
    email: Email | None = None
    phone: Phone | None = None
    name: Name | None = None
    merchant_ref: MerchantRef | None = None
    metadata: Metadata = Field(default_factory=dict)


class CustomerUpdate(Body):
    """Only what is given changes; null clears."""

    email: Email | None = None
    phone: Phone | None = None
    name: Name | None = None
    merchant_ref: MerchantRef | None = None
    metadata: Annotated[Metadata | None, NOT_NULL] = None


class BlacklistAsk(Body):
    reason: Annotated[str, StringConstraints(max_length=500)] | None = None


class CustomerQuery(ListQuery):
    email: Annotated[Email | None, Field(description="In any case.")] = None
    phone: Phone | None = None
    merchant_ref: MerchantRef | None = None
    blacklisted: Flag | None = None


class CustomerOut(Out):
    id: str
    email: str | None
    phone: str | None
    name: str | None
    merchant_ref: str | None
    blacklisted: bool
    blacklist_reason: str | None
    metadata: dict[str, str]
    created_at: datetime


def customer_out(customer: Customer) -> CustomerOut:
    return CustomerOut(
        id=customer.id,
        email=customer.email,
        phone=customer.phone,
        name=customer.name,
        merchant_ref=customer.merchant_ref,
        blacklisted=customer.is_blacklisted,
        blacklist_reason=customer.blacklist_reason,
        metadata=customer.metadata,
        created_at=customer.created_at,
    )
