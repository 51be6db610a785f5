"""Holds e-mail to what its headers may say, and to who has to mend what: the message, the person or us."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from aiosmtpd.smtp import SMTP
from hypothesis import given
from hypothesis import strategies as st

from duro.adapters.smtp import MailServer, SmtpMailer, Tls, composed
from duro.kit.clock import FixedClock
from duro.modules.messages.channels import Mail, Postponed, Refused, Taken
from duro.modules.messages.filling import one_line
from tests.support.certificates import certificate_of
from tests.support.mail import PostBox

_AT: Final = datetime(2026, 1, 28, 9, tzinfo=UTC)


def _mail(**fields: str) -> Mail:
    usual = {
        "message_id": "msg_1",
        "to": "ada@example.com",
        "sender_name": "Adunni Gyms",
        "subject": "₦5,000.00: ẹ ṣé",
        "html": "<p>₦</p>",
        "text": "₦",
    }
    return Mail(**(usual | fields))  # type: ignore[arg-type] # texts alone


@pytest.mark.parametrize(
    "to",
    [
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\nX: y",
        "ada@example.com, eve@example.com",
        "Ada <ada@example.com>",
        "ada",
        "",
        "a@b@c",
        "ada@example.com\0",
        f"{'a' * 250}@example.com",
    ],
)
async def test_what_is_more_than_one_plain_address_gets_nothing(
    mailer: SmtpMailer, box: PostBox, to: str
) -> None:
    answer = await mailer.send(_mail(to=to))

    assert isinstance(answer, Refused)
    assert box.connections == 0


@pytest.mark.parametrize("field", ["subject", "sender_name", "message_id"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
async def test_no_header_is_ever_added(
    mailer: SmtpMailer, box: PostBox, field: str, end: str
) -> None:
    answer = await mailer.send(_mail(**{field: f"x{end}Bcc: eve@example.com{end}{end}<p>mine</p>"}))

    assert isinstance(answer, Refused)
    assert box.connections == 0


@given(st.text(max_size=120), st.text(max_size=40))
def test_whatever_a_name_or_a_subject_says_it_stays_there(subject: str, name: str) -> None:
    mail = _mail(subject=one_line(f"A{subject}"), sender_name=one_line(f"A{name}"))

    raw = composed(mail, "billing@pay.example", at=_AT).as_bytes()

    names = {
        line.split(b":")[0] for line in raw.split(b"\r\n\r\n")[0].split(b"\r\n") if line[:1].strip()
    }
    assert names == {
        *(b"From", b"To", b"Subject", b"Date", b"Message-ID"),
        *(b"MIME-Version", b"Content-Type"),
    }


async def test_a_subject_of_any_letters_arrives_as_it_is(mailer: SmtpMailer, box: PostBox) -> None:
    answer = await mailer.send(_mail(sender_name='Ẹ̀kọ́ "Gyms", Lagos'))

    (arrived,) = box.messages
    assert answer == Taken("<msg_1@pay.example>")
    assert arrived["Subject"] == "₦5,000.00: ẹ ṣé"
    assert arrived["From"].addresses[0].display_name == 'Ẹ̀kọ́ "Gyms", Lagos'
    assert arrived["From"].addresses[0].addr_spec == "billing@pay.example"
    assert box.arrived[0].split(b"\n\n")[0].isascii()


@pytest.mark.parametrize(
    ("at_recipient", "said", "kind"),
    [
        (True, "550 5.1.1 no such user", Refused),
        (True, "450 4.2.1 mailbox busy", Postponed),
        (False, "554 5.7.1 spam", Refused),
        (False, "452 4.3.1 no space", Postponed),
        (False, "421 4.3.2 going down", Postponed),
    ],
)
async def test_5xx_is_final_and_4xx_is_not(
    mailer: SmtpMailer, box: PostBox, *, at_recipient: bool, said: str, kind: type[object]
) -> None:
    (box.says_to_recipient if at_recipient else box.says_to_data).append(said)

    answer = await mailer.send(_mail())
    again = await mailer.send(_mail())

    assert isinstance(answer, kind)
    assert said[:3] in getattr(answer, "reason", "")
    assert isinstance(again, Taken)


async def test_a_server_that_is_not_there_or_says_nothing_is_asked_later(
    clock: FixedClock, box: PostBox
) -> None:
    away = SmtpMailer(MailServer("127.0.0.1", 1, Tls.NONE), "b@pay.example", clock)
    box.holding = asyncio.Event()
    slow = SmtpMailer(MailServer("127.0.0.1", box.port, Tls.NONE), "b@pay.example", clock)
    slow.timeout_s = 0.3

    answers = [await away.send(_mail()), await slow.send(_mail())]

    box.holding.set()
    assert all(isinstance(each, Postponed) for each in answers)


async def test_a_server_without_starttls_gets_nothing_where_it_is_required(
    clock: FixedClock, box: PostBox
) -> None:
    server = MailServer.read(f"smtp://127.0.0.1:{box.port}?tls=required")

    answer = await SmtpMailer(server, "b@pay.example", clock).send(_mail())

    assert isinstance(answer, Postponed)
    assert box.arrived == []


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_tls_is_used_and_the_certificate_is_looked_at(
    clock: FixedClock, tmp_path: Path, scheme: str
) -> None:
    async with _with_tls(tmp_path, is_whole=scheme == "smtps") as (box, trusted):
        query = "" if scheme == "smtps" else "?tls=required"
        server = MailServer.read(f"{scheme}://localhost:{box.port}{query}")
        stranger = SmtpMailer(server, "b@pay.example", clock)
        known = SmtpMailer(server, "b@pay.example", clock, tls_context=trusted)

        answers = [await stranger.send(_mail()), await known.send(_mail())]
        await known.close()

    assert isinstance(answers[0], Postponed)
    assert isinstance(answers[1], Taken)
    assert len(box.arrived) == 1


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", MailServer("mail.example", 587, Tls.STARTTLS)),
        ("smtps://mail.example", MailServer("mail.example", 465, Tls.WHOLE)),
        ("smtp://localhost:1025", MailServer("localhost", 1025, Tls.NONE)),
        ("smtp://mail.example:25?tls=none", MailServer("mail.example", 25, Tls.NONE)),
        ("smtp://u%40x:p%3Aw@m.example", MailServer("m.example", 587, Tls.STARTTLS, "u@x", "p:w")),
    ],
)
def test_an_address_says_how_mail_is_handed_in(url: str, server: MailServer) -> None:
    assert MailServer.read(url) == server


@pytest.mark.parametrize("url", ["http://x", "smtp://", "smtp://x?tls=maybe", "smtp://x?a=b"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"smtp|takes"):
        MailServer.read(url)


@asynccontextmanager
async def _with_tls(
    folder: Path, *, is_whole: bool
) -> AsyncIterator[tuple[PostBox, ssl.SSLContext]]:
    """A server with a certificate that only the second knows."""
    key, certificate = certificate_of("localhost", folder)
    own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    own.load_cert_chain(certificate, key)
    box = PostBox()

    def accept() -> SMTP:
        return SMTP(box, hostname="mail.test", tls_context=None if is_whole else own)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(accept, "localhost", 0, ssl=own if is_whole else None)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box, ssl.create_default_context(cafile=str(certificate))
    finally:
        server.close()
