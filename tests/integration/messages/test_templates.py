"""Sends every text in both languages to a mail server and to a Cloud API, and looks at what they get."""

import re
from dataclasses import replace
from typing import Final

import pytest

from duro.adapters.smtp import SmtpMailer
from duro.errors import InvalidError
from duro.modules.messages.channels import Channels
from duro.modules.messages.choosing import why_outdated
from duro.modules.messages.model import Channel, Letter, MessageStatus
from duro.modules.messages.sending import Sender
from duro.modules.messages.texts import KEYS, LANGUAGES
from duro.modules.messages.wording import OwnWords
from duro.modules.messages.writing import template_name, whatsapp_text
from tests.integration.messages.conftest import LINKS, PEOPLE, Post
from tests.support.mail import FakeCloud, PostBox, parts

# What platform.md names, and what is told of a checkout that was left.
_ASKED_FOR: Final = {
    *("receipt", "renewal_reminder", "trial_ending", "dunning_1", "dunning_2", "dunning_3"),
    *("dunning_4", "payment_action_required", "payment_recovered", "card_expiring"),
    *("subscription_cancelled", "refund", "welcome", "verify_email", "password_reset"),
    *("invitation", "kyc_submitted", "kyc_approved", "kyc_rejected", "otp", "portal_code"),
    "abandoned_checkout",
}
_LEFT_OVER: Final = re.compile(r"\{\{|\}\}|\{%|None\b")
_TAGS: Final = {
    "customer_name": "Ada",
    "amount": "₦5,000.00",
    "plan_name": "Gold",
    "invoice_id": "INV-1",
    "update_link": "https://pay.example/pay/i/token",
    "next_attempt": "Wed 28 Jan 2026, 10:00 Lagos time",
    "reason": "your bank said there is not enough money",
    "date": "28 Jan 2026",
    "card": "Visa ending in 4242",
    "code": "123456",
}


def test_there_are_words_for_every_key() -> None:
    assert set(KEYS) == _ASKED_FOR


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_mail_server_gets_every_text_whole(post: Post, box: PostBox, language: str) -> None:
    for key in KEYS:
        address = f"{key}@example.com"
        await post.queue(key, address=address, cause=key, language=language, tags=_TAGS)
    while (await post.send()).done:
        pass

    assert len(box.arrived) == len(KEYS)
    for message in box.messages:
        text, html = parts(message)
        key = str(message["To"]).partition("@")[0]
        assert message["From"] == "Adunni Gyms <billing@pay.example>"
        assert not _LEFT_OVER.search(f"{message['Subject']}{text}{html}"), key
        assert f'lang="{language}"' in html
        assert html.count('class="button"') == (0 if key == "otp" else 1), key
        assert (
            'class="button" href="https://pay.example/pay/i/token" style="' in html or key == "otp"
        )
        assert key == "otp" or "https://pay.example/pay/i/token" in text
        # Mail programs leave style sheets out: what matters is written at each element.
        assert re.search(r"<h1 style=\"[^\"]+font-size", html), key
        assert re.findall(r"https?://(?!pay\.example/)", html) == []


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_cloud_api_gets_every_template_with_all_its_places(
    post: Post, cloud: FakeCloud, language: str
) -> None:
    for number, key in enumerate(KEYS):
        address = f"+23480{number:08d}"
        await post.queue(key, address=address, cause=key, language=language, tags=_TAGS)
    while (await post.send()).done:
        pass

    told = {each["template"]["name"]: each["template"] for each in cloud.asked}
    assert set(cloud.tokens) == {"Bearer a-token"}
    assert set(cloud.paths) == {"/1234567890/messages"}
    assert set(told) == {template_name(key, language) for key in KEYS}
    for key in KEYS:
        components = {
            each["type"]: each for each in told[template_name(key, language)]["components"]
        }
        given = [each["text"] for each in components["body"]["parameters"]]
        if key in {"otp", "portal_code"}:
            assert given == ["123456"]
            assert components["button"]["parameters"] == [{"type": "text", "text": "123456"}]
            continue
        body, tags = whatsapp_text(key, language)
        assert len(given) == len(tags) == len(re.findall(r"\{\{\d+\}\}", body))
        assert all(value and "\n" not in value for value in given)
        if "button" in components:
            assert components["button"]["parameters"][0]["text"] == "pay/i/token"


async def test_dunning_says_what_happened_what_comes_next_and_when(
    post: Post, box: PostBox
) -> None:
    customer = await post.customer()
    await post.queue(
        "dunning_1",
        to=customer,
        amount="₦5,000.00",
        failureCategory="insufficient_funds",
        reason="Payday is near; the next try waits for it.",
        nextAttemptAt="2026-01-30T09:00:00+00:00",
        payUrl="https://pay.example/pay/i/token",
        tags={"plan_name": "Gold"},
    )

    await post.send()

    text, html = parts(box.messages[0])
    for part in (text, html):
        assert "We tried to charge ₦5,000.00 for Gold, and your bank said" in part
        assert "We will try again on Fri 30 Jan 2026, 10:00 Lagos time." in part
        assert "https://pay.example/pay/i/token" in part
        assert "Payday is near" not in part


async def test_where_nothing_is_tried_again_that_is_said(post: Post, box: PostBox) -> None:
    tags = {name: value for name, value in _TAGS.items() if name != "next_attempt"}
    await post.queue("dunning_1", tags=tags)

    await post.send()

    text, _ = parts(box.messages[0])
    assert "We will not try again by ourselves." in text


async def test_a_customer_reads_its_own_language(post: Post, box: PostBox) -> None:
    await post.queue(to=await post.customer(language="pcm"), amount="₦5,000.00")

    await post.send()

    text, _ = parts(box.messages[0])
    assert "How far Ada Obi," in text


async def test_a_merchants_own_words_are_sanitised_filled_and_never_run(
    post: Post, box: PostBox
) -> None:
    body = (
        '<h2 onclick="x()">Dear {{ customer_name }}</h2><script>alert(1)</script>'
        '<p><a href="{{update_link}}">Pay</a> <a href="{{customer_name}}">x</a></p>'
        "<p>{% raw %}{{amount}}{% endraw %}</p><style>p{}</style><img src=x onerror=y()>"
    )
    own = OwnWords("dunning_1", subject="Dear {{customer_name}}: {{amount}}", body=body)
    await post.wording.save(post.mode, post.tenant_id, own)
    evil = 'javascript:alert(1)"<b>{{amount}}</b>'
    tags = _TAGS | {"customer_name": evil}
    await post.queue("dunning_1", tags=tags)

    await post.send()

    text, html = parts(box.messages[0])
    assert box.messages[0]["Subject"] == f"Dear {evil}: ₦5,000.00"
    assert "&lt;b&gt;{{amount}}&lt;/b&gt;</h2>" in html
    assert "{% raw %}₦5,000.00{% endraw %}" in html
    assert '<a href="https://pay.example/pay/i/token"' in html
    for bad in ("<script", "onclick", "onerror", "<img", 'href="javascript'):
        assert bad not in html
    assert "Dear javascript:alert(1)" in text


async def test_own_words_count_only_while_they_are_enabled(post: Post, box: PostBox) -> None:
    own = OwnWords("receipt", subject="Ours", is_enabled=False)
    await post.wording.save(post.mode, post.tenant_id, own)
    await post.queue(amount="₦1.00")
    await post.send()
    await post.wording.save(post.mode, post.tenant_id, replace(own, is_enabled=True))
    await post.queue(amount="₦1.00")
    await post.send()
    await post.wording.remove(post.mode, post.tenant_id, key="receipt", language="en")
    await post.queue(amount="₦1.00")
    await post.send()

    theirs = "Receipt from Adunni Gyms: ₦1.00"
    assert [each["Subject"] for each in box.messages] == [theirs, "Ours", theirs]


async def test_a_merchant_may_choose_whatsapp(
    post: Post, box: PostBox, cloud: FakeCloud, mailer: SmtpMailer
) -> None:
    own = OwnWords("receipt", channel=Channel.WHATSAPP)
    await post.wording.save(post.mode, post.tenant_id, own)
    customer = await post.customer(phone="+2348012345678")
    await post.queue(to=customer, amount="₦1.00")
    await post.send()
    mail_only = replace(post, sender=Sender(Channels(mailer), LINKS, PEOPLE))
    await post.queue(to=customer, amount="₦1.00")

    await mail_only.send()

    assert len(cloud.asked) == 1
    assert len(box.arrived) == 1


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"key": "nonsense"}, "key"),
        ({"key": "receipt", "language": "xx"}, "language"),
        ({"key": "receipt", "subject": "{{ config }}"}, "subject"),
        ({"key": "receipt", "body": "<p>{{password}}</p>"}, "body"),
        ({"key": "receipt", "body": " "}, "body"),
        ({"key": "receipt", "subject": "x" * 201}, "subject"),
    ],
)
async def test_words_that_cannot_be_used_are_refused(
    post: Post, fields: dict[str, str], path: str
) -> None:
    with pytest.raises(InvalidError) as refused:
        await post.wording.save(post.mode, post.tenant_id, OwnWords(**fields))  # type: ignore[arg-type] # texts alone

    assert [detail.path for detail in refused.value.details] == [path]


async def test_a_preview_shows_words_before_they_are_enabled_and_a_test_is_sent_as_any_message(
    post: Post, box: PostBox
) -> None:
    own = OwnWords("dunning_2", subject="Ours: {{amount}}", is_enabled=False)
    await post.wording.save(post.mode, post.tenant_id, own)

    seen = await post.wording.preview(post.mode, post.tenant_id, key="dunning_2", language="en")
    await post.wording.send_test(
        post.mode, post.tenant_id, key="dunning_2", language="pcm", address="me@example.com"
    )
    await post.send()

    assert seen.subject == "Ours: ₦5,000.00"
    (arrived,) = box.messages
    assert arrived["To"] == "me@example.com"
    assert "dey" in parts(arrived)[0]
    assert (await post.message()).status is MessageStatus.SENT


@pytest.mark.parametrize("status", ["paid", "void", "uncollectible"])
async def test_nobody_is_dunned_for_what_is_settled_meanwhile(
    post: Post, box: PostBox, status: str
) -> None:
    await post.queue("dunning_1", invoiceId="inv_1")
    message = await post.message()

    why = why_outdated(message, Letter(message.id, invoice_status=status))

    assert why == f"the invoice is {status}"
    assert why_outdated(message, Letter(message.id, invoice_status="open")) is None
    assert box.arrived == []
