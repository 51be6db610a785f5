"""Phones in the forms that people write them in, and e-mail addresses."""

import pytest
from pydantic import ValidationError

from duro.modules.customers.schemas import CustomerCreate


@pytest.mark.parametrize(
    "written",
    [
        *("08031234567", "0803 123 4567", "0803-123-4567", "(0803) 123 4567", "0803.123.4567"),
        *("8031234567", "2348031234567", "+2348031234567", "+234 803 123 4567"),
        *("+234 (0) 803 123 4567", "+234-803-123-4567", "0092348031234567"),
    ],
)
def test_a_nigerian_mobile_number_is_kept_as_e164_however_it_is_written(written: str) -> None:
    assert CustomerCreate(phone=written).phone == "+2348031234567"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("0201 461 1000", "+2342014611000"),  # a Lagos land line, in the numbering that replaced 01
        ("+44 20 7946 0958", "+442079460958"),
        ("+1 (212) 555-0123", "+12125550123"),
        ("09012345678", "+2349012345678"),
        ("07012345678", "+2347012345678"),
    ],
)
def test_land_lines_and_foreign_numbers_are_kept(written: str, kept: str) -> None:
    assert CustomerCreate(phone=written).phone == kept


@pytest.mark.parametrize(
    "written",
    ["", "0", "0803", "08031234", "080312345678", "+2340000000000", "abc", "+", "0803123456a"],
)
def test_what_is_no_valid_number_is_refused(written: str) -> None:
    with pytest.raises(ValidationError, match="valid phone number"):
        CustomerCreate(phone=written)


@pytest.mark.parametrize(
    "address",
    ["a@b.co", "ada.obi+duro@mail.example.ng", "x_y-z@sub.example.com", "1@2.io", "o'neil@ex.ie"],
)
def test_usual_addresses_are_kept_as_written(address: str) -> None:
    assert CustomerCreate(email=address).email == address


@pytest.mark.parametrize(
    "address",
    [
        *("", "@", "a@", "@b.co", "a@b", "a@@b.co", "a@b..co", ".a@b.co", "a.@b.co"),
        *("a@-b.co", "a@b-.co", "a b@c.co", "a@b.c", "ada@exämple.com", "<a@b.co>", "a@b.co "),
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="e-mail address"):
        CustomerCreate(email=address)
