"""Pay links open what they were made for, until a day's end a month on, and nothing else ever."""

import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duro.kit.ids import new_id
from duro.kit.modes import Mode
from duro.modules.invoices.links import PayLinks, PayTicket

NOW = datetime(2026, 1, 28, 9, 0, tzinfo=UTC)
TENANT, INVOICE = new_id("ten", wall=NOW), new_id("inv", wall=NOW)
LINKS = PayLinks("https://pay.example", b"key")
TOKEN = LINKS.token(mode=Mode.TEST, tenant_id=TENANT, invoice_id=INVOICE, now=NOW)
ALPHABET = string.ascii_letters + string.digits + "-_.~=+/% \x00é"


def test_a_link_opens_its_invoice_until_the_day_ends_that_is_a_month_on() -> None:
    url = LINKS.url(mode=Mode.TEST, tenant_id=TENANT, invoice_id=INVOICE, now=NOW)

    assert url == f"https://pay.example/pay/i/{TOKEN}"
    assert LINKS.read(TOKEN) == PayTicket(
        Mode.TEST, TENANT, INVOICE, datetime(2026, 2, 28, tzinfo=UTC)
    )


@given(second=st.integers(0, 6_000_000_000))
def test_a_link_is_good_for_at_least_30_days_and_less_than_31(second: int) -> None:
    at = datetime(1990, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    token = LINKS.token(mode=Mode.LIVE, tenant_id=TENANT, invoice_id=INVOICE, now=at)

    ticket = LINKS.read(token)

    assert ticket is not None
    assert timedelta(days=30) <= ticket.expires_at - at < timedelta(days=31)


def test_a_link_is_the_same_through_one_day() -> None:
    tokens = {
        LINKS.token(
            mode=Mode.TEST,
            tenant_id=TENANT,
            invoice_id=INVOICE,
            now=datetime(2026, 1, 28, hour, 30, tzinfo=UTC),
        )
        for hour in range(24)
    }

    assert len(tokens) == 1


def test_no_change_of_one_character_opens_anything() -> None:
    changed = {TOKEN[:at] + each + TOKEN[at + 1 :] for at in range(len(TOKEN)) for each in ALPHABET}
    changed |= {TOKEN[:at] + each + TOKEN[at:] for at in range(len(TOKEN) + 1) for each in ALPHABET}
    changed |= {TOKEN[:at] + TOKEN[at + 1 :] for at in range(len(TOKEN))}
    changed -= {TOKEN}

    assert len(changed) > 10_000
    assert [token for token in changed if LINKS.read(token) is not None] == []


@given(st.text(max_size=150))
def test_no_text_at_all_opens_anything(text: str) -> None:
    assert LINKS.read(text) is None


@given(st.lists(st.sampled_from(TOKEN.split(".")), min_size=1, max_size=6))
def test_its_parts_in_another_order_open_nothing(parts: list[str]) -> None:
    token = ".".join(parts)

    assert (LINKS.read(token) is None) == (token != TOKEN)


@pytest.mark.parametrize(
    "other",
    [
        {"mode": Mode.LIVE},
        {"tenant_id": new_id("ten", wall=NOW)},
        {"invoice_id": new_id("inv", wall=NOW)},
        {"now": NOW + timedelta(days=1)},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_signature_serves_no_other_subject(other: dict[str, object]) -> None:
    asked = {"mode": Mode.TEST, "tenant_id": TENANT, "invoice_id": INVOICE, "now": NOW, **other}
    subject = LINKS.token(**asked).rpartition(".")[0]  # type: ignore[arg-type]  # one of four differs

    assert LINKS.read(f"{subject}.{TOKEN.rpartition('.')[2]}") is None


def test_another_key_signs_nothing_of_ours() -> None:
    assert PayLinks("https://pay.example", b"other").read(TOKEN) is None
