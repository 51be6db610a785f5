"""Holds the way out to its guard: whatever the address, name server or answer says, nothing inside is connected to."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from yarl import URL

from duro.adapters.egress import GuardedEgress
from duro.modules.webhooks.egress import Answered, Blocked, Unreachable
from tests.support.certificates import certificate_of
from tests.support.receiver import Receiver, counting_listener, running_receiver

PUBLIC = "93.184.215.14"


class Names:
    """A name server that answers one list after the other, and then the last for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers: Iterator[list[str]] = iter(answers)
        self._last: list[str] = []
        self.asked: list[str] = []

    async def resolve(self, host: str, _port: int) -> list[str]:
        self.asked.append(host)
        self._last = next(self._answers, self._last)
        if not self._last:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self._last


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "localhost"),  # noqa: S104 - addresses to refuse
        *("[::1]", "[::ffff:127.0.0.1]", "[::]", "[::127.0.0.1]", "[64:ff9b::7f00:1]"),
        *("①②⑦.0.0.1", "127.0.0.1.", "[::ffff:7f00:1]", "[2002:7f00:1::]", "localhost."),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_no_spelling_of_loopback_is_connected_to(host: str, scheme: str) -> None:
    async with counting_listener() as listener, GuardedEgress() as egress:
        url = f"{scheme}://{host}:{listener.port}/"

        answer = await egress.post(url, body=b"{}", headers={})

        assert isinstance(answer, Blocked)
        assert await egress.refusal(url) is not None
        assert listener.connections == 0


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["::1"], [PUBLIC, "10.0.0.1"], ["fe80::1%1"], ["::ffff:127.0.0.1"]],
)
async def test_a_name_with_an_address_inside_is_neither_saved_nor_connected_to(
    addresses: list[str],
) -> None:
    async with GuardedEgress(resolve=Names(addresses).resolve) as egress:
        url = "https://hooks.example.com/"

        assert isinstance(await egress.post(url, body=b"{}", headers={}), Blocked)
        assert await egress.refusal(url) == "The host's address is not on the public internet."


async def test_a_name_that_changes_its_address_after_it_was_saved_is_caught() -> None:
    names = Names([PUBLIC], ["127.0.0.1"])
    async with counting_listener() as listener, GuardedEgress(resolve=names.resolve) as egress:
        assert await egress.refusal("https://hooks.example.com:8443/") is None

        answer = await egress.post("https://hooks.example.com:8443/", body=b"{}", headers={})

        assert isinstance(answer, Blocked)
        assert names.asked == ["hooks.example.com", "hooks.example.com"]
        assert listener.connections == 0


async def test_the_socket_refuses_an_address_that_no_name_server_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As if the check of the URL had missed it: the connect address is judged by itself.
    monkeypatch.setattr("duro.adapters.destinations._demand_allowed_host", lambda *_: None)
    async with counting_listener() as listener, GuardedEgress() as egress:
        for host in ("127.0.0.1", "[::1]", "169.254.169.254"):
            answer = await egress.post(f"https://{host}:8443/", body=b"{}", headers={})

            assert isinstance(answer, Blocked)
        assert listener.connections == 0


async def test_a_name_without_an_address_is_saved_and_fails_when_it_is_tried() -> None:
    async with GuardedEgress(resolve=Names().resolve) as egress:
        url = "https://hooks.example.com/"

        assert await egress.refusal(url) is None
        assert await egress.post(url, body=b"{}", headers={}) == Unreachable(
            "the host name cannot be resolved"
        )


async def test_development_reaches_loopback_by_name_and_by_number(receiver: Receiver) -> None:
    async with GuardedEgress(allow_loopback=True) as egress:
        for host in ("127.0.0.1", "localhost"):
            url = receiver.url.replace("127.0.0.1", host)

            assert await egress.refusal(url) is None
            assert await egress.post(url, body=b"{}", headers={}) == Answered(200, "noted")


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("https://hooks.example.com:8443/", ["127.0.0.1"]),  # https stays public
        ("http://hooks.example.com/", [PUBLIC]),  # http stays on this machine
        ("http://hooks.example.com/", ["10.0.0.1"]),
        ("http://hooks.example.com/", ["127.0.0.1", PUBLIC]),
    ],
)
async def test_development_opens_nothing_but_plain_http_to_loopback(
    url: str, addresses: list[str]
) -> None:
    async with GuardedEgress(allow_loopback=True, resolve=Names(addresses).resolve) as egress:
        assert isinstance(await egress.post(url, body=b"{}", headers={}), Blocked)
        assert await egress.refusal(url) is not None


async def test_a_closed_port_is_unreachable(receiver: Receiver) -> None:
    async with counting_listener() as listener, GuardedEgress(allow_loopback=True) as egress:
        silent = await egress.post(f"http://127.0.0.1:{listener.port}/", body=b"", headers={})
    async with GuardedEgress(allow_loopback=True) as egress:
        closed = await egress.post(f"http://127.0.0.1:{listener.port}/", body=b"", headers={})

    assert silent == Unreachable("no HTTP answer: ServerDisconnectedError")
    assert isinstance(closed, Unreachable)
    assert closed.reason.startswith("cannot connect")
    assert receiver.received == []


async def test_a_certificate_that_nobody_signed_gets_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = certificate_of("hooks.example.com", tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    async with running_receiver(tls=tls) as receiver:
        port = URL(receiver.url).port
        # As if this machine were on the public internet, and its port were an allowed one.
        monkeypatch.setattr("duro.adapters.destinations.HTTPS_PORTS", {port})
        monkeypatch.setattr("duro.adapters.egress.demand_allowed", lambda *_: None)
        async with GuardedEgress(resolve=Names(["127.0.0.1"]).resolve) as egress:
            url = f"https://hooks.example.com:{port}/"
            answer = await egress.post(url, body=b"{}", headers={})

    assert answer == Unreachable("the TLS handshake failed")
    assert receiver.received == []
