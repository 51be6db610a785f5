"""Owns a customer who opens the link to their invoice: what they see, and the forms they send."""

import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
from typing_extensions import override

from duro.modules.invoices.links import PayLinks
from tests.support.api import Answer
from tests.support.stories import Story
from tests.support.system import Merchant

_FORM: Final = "application/x-www-form-urlencoded"
SAME_ORIGIN: Final = {"Sec-Fetch-Site": "same-origin"}


@dataclass
class Form:
    """One form of a page, filled in as it comes."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.text: list[str] = []
        self._is_heard = True

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(of["action"]))
        elif tag == "input" and self.forms:
            is_sent = of.get("type") != "checkbox" or "checked" in of
            if is_sent:
                self.forms[-1].fields[of["name"]] = of.get("value", "on")
        elif tag == "a":
            self.links.append(of["href"])
        self._is_heard = tag not in ("script", "noscript", "style", "option")

    @override
    def handle_data(self, data: str) -> None:
        if self._is_heard and data.strip():
            self.text.append(" ".join(data.split()))


@dataclass(frozen=True)
class Shown:
    """A page as the customer sees it."""

    answer: Answer

    @property
    def status(self) -> int:
        return self.answer.status

    @property
    def html(self) -> str:
        return self.answer.body.decode()

    @property
    def title(self) -> str:
        found = re.search(r"<h1[^>]*>(.*?)</h1>", self.html)
        assert found is not None, self.html
        return unescape(found[1])

    @property
    def text(self) -> str:
        return " ".join(self._read().text)

    @property
    def links(self) -> list[str]:
        return self._read().links

    @property
    def ways(self) -> list[str]:
        """The ways to pay that are offered."""
        return re.findall(r'<section aria-labelledby="(\w+)"', self.html)

    def form(self, end: str, **chosen: str) -> Form:
        """The form whose address ends so (before the language) and whose fields are those."""
        (found,) = [
            each
            for each in self._read().forms
            if each.action.partition("?")[0].endswith(end)
            and all(each.fields.get(name) == value for name, value in chosen.items())
        ]
        return found

    def _read(self) -> _Reader:
        reader = _Reader()
        reader.feed(self.html)
        return reader


@dataclass(frozen=True)
class Customer:
    """Somebody with the address of a pay page."""

    merchant: Merchant

    async def open(self, address: str) -> Shown:
        return Shown(await self.send("GET", address))

    async def submit(self, form: Form, **more: str) -> Shown:
        """Sends the form, as its page would, and follows to where it leads."""
        answer = await self.post(form, **more)
        assert answer.status == 303, answer.body
        return await self.open(answer.headers["Location"])

    async def post(self, form: Form, **more: str) -> Answer:
        body = urlencode({name: value for name, value in {**form.fields, **more}.items() if value})
        return await self.send("POST", form.action, body.encode(), SAME_ORIGIN)

    async def send(
        self,
        method: str,
        address: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        base = self.merchant.app.public_url or ""
        sent = {} if body is None else {"Content-Type": _FORM}
        # A connection of its own: a session's jar must not matter.
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(
                method,
                base + address.removeprefix(base),
                data=body,
                headers=sent | (headers or {}),
                allow_redirects=False,
            ) as response,
        ):
            return Answer(response.status, await response.read(), dict(response.headers))


async def owing(story: Story, method: str = "pm_test_insufficient_funds") -> dict[str, Any]:
    """A subscription whose renewal was declined."""
    made = await story.active(method)
    await story.merchant.advance(by="P1M")
    now = await story.merchant.subscription(made["id"])
    assert (now["status"], now["payUrl"] is not None) == ("past_due", True)
    return now


async def pay_request(story: Story, attempt_path: str, **body: object) -> None:
    """Somebody pays what the page of that address asks for."""
    attempt_id = attempt_path.partition("?")[0].rpartition("/")[2]
    rows = await story.query("SELECT id FROM payment_requests WHERE attempt_id = $1", attempt_id)
    path = f"/v1/test/payment-requests/{rows[0]['id']}/pay"
    answer = await story.merchant.client.post(path, body or None)
    assert answer.status == 200, answer.body


def attempt_of(shown: Shown) -> str:
    return shown.form("/check").action.replace("/check", "")


def token_of(due: dict[str, Any]) -> str:
    return str(due["payUrl"]).rpartition("/")[2]


def links_of(merchant: Merchant) -> PayLinks:
    """As the running system signs them."""
    return merchant.app.system.paying.charging.links
