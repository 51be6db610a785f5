"""Holds deliveries to the public internet against names and addresses that mean to lead inside.

The listeners stand on port 8443, which the guard allows, so that nothing but the address keeps a delivery from them.
"""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from duro.adapters.egress import GuardedEgress
from duro.errors import InvalidError
from duro.kit.clock import FixedClock
from duro.modules.events.model import EventType
from duro.modules.webhooks.egress import Blocked, Unreachable
from tests.support.nameserver import name_server
from tests.support.receiver import Listener, Receiver, counting_listener
from tests.support.webhooks import Merchant

CREATED: Final = EventType.SUBSCRIPTION_CREATED
PUBLIC: Final = "93.184.215.14"
# An address of loopback that no other test listens on.
INSIDE: Final = "127.83.19.7"
PORT: Final = 8443
MAPPED: Final = "::ffff:7f53:1307"
HOST: Final = "hooks.example.com"
# One of each kind that the guard knows, for a name to lead to.
NOT_PUBLIC: Final = (
    *("0.0.0.0", "::", INSIDE, "::1"),  # noqa: S104 - addresses to refuse
    *("10.0.0.1", "172.31.0.1", "192.168.0.1", "fd00::1", "fc00::1"),
    *("169.254.169.254", "fe80::1", "100.64.0.1", "100.127.255.255", "224.0.0.1", "ff02::1"),
    *("ff0e::1", "240.0.0.1", "255.255.255.255", "192.0.0.192", "198.18.0.1", "203.0.113.9"),
    *("2001:db8::1", "100::1", MAPPED, "::ffff:0:7f53:1307", "::7f53:1307", "64:ff9b::7f53:1307"),
    *("64:ff9b:1::1", "2002:7f53:1307::", "192.88.99.1", "2001:0:7f53:1307::", "168.63.129.16"),
)


@pytest.fixture
async def listeners() -> AsyncIterator[list[Listener]]:
    """On loopback, under both versions of the protocol where the machine has both."""
    async with AsyncExitStack() as stack:
        found = [await _first_of(stack)]
        # Not where there is no IPv6, or the port is taken: then the first counts alone.
        for host in ("127.0.0.1", "::1"):
            with suppress(OSError):
                found.append(await stack.enter_async_context(counting_listener(host, PORT)))
        yield found


async def _first_of(stack: AsyncExitStack) -> Listener:
    """The port is one for the whole machine: tests of another process may hold it for a moment."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await stack.enter_async_context(counting_listener(INSIDE, PORT))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            await asyncio.sleep(0.05)


def _connections(listeners: list[Listener]) -> int:
    return sum(each.connections for each in listeners)


async def test_the_listeners_count_who_connects(listeners: list[Listener]) -> None:
    async with GuardedEgress(allow_loopback=True) as egress:
        await egress.post(f"http://{INSIDE}:{PORT}/", body=b"{}", headers={})

    assert _connections(listeners) == 1


@pytest.mark.parametrize(
    "host",
    [
        *(INSIDE, "127.83.4871", "127.5444359", "2136150791", "0x7f531307", "017724611407"),
        *("0177.0123.023.07", "0x7f.0x53.0x13.0x7", "127.83.19.07", "127.83.19.7."),
        *("①②⑦.83.19.7", "127。83。19。7", "127%2e83%2e19%2e7", "localhost"),
        *("[::1]", "[0:0:0:0:0:0:0:1]", "[::]", f"[{MAPPED}]", "[::ffff:127.83.19.7]"),
        *(
            "[::127.83.19.7]",
            "[64:ff9b::7f53:1307]",
            "[64:ff9b:1::7f53:1307]",
            "[2002:7f53:1307::]",
        ),
        *("[2001:0:7f53:1307::]", "[fe80::1%25lo]", "[fd00::1]", "0.0.0.0", "0", "255.255.255.255"),  # noqa: S104 - addresses to refuse
        *("u:p@127.83.19.7", "example.com@127.83.19.7", "127.83.19.7#@example.com"),
        *("127.83.19.7\\@example.com", "example.com:443@127.83.19.7"),
    ],
)
async def test_no_spelling_of_an_address_inside_is_saved_or_connected_to(
    merchant: Merchant, listeners: list[Listener], host: str
) -> None:
    url = f"https://{host}:{PORT}/hooks"
    async with GuardedEgress() as strict:
        with pytest.raises(InvalidError):
            await replace(merchant, egress=strict).add(url)
        assert isinstance(await strict.post(url, body=b"{}", headers={}), Blocked)

    assert _connections(listeners) == 0


@pytest.mark.parametrize(
    "addresses",
    [*([each] for each in NOT_PUBLIC), *([PUBLIC, each] for each in (INSIDE, "::1", MAPPED))],
    ids=" ".join,
)
async def test_no_name_with_an_address_inside_is_saved_or_connected_to(
    merchant: Merchant, listeners: list[Listener], addresses: list[str]
) -> None:
    url = f"https://{HOST}:{PORT}/"
    with name_server({HOST: [addresses]}) as names:
        async with GuardedEgress(resolve=names.look_up) as egress:
            with pytest.raises(InvalidError, match="A value is not acceptable"):
                await replace(merchant, egress=egress).add(url)
            assert isinstance(await egress.post(url, body=b"{}", headers={}), Blocked)

    assert _connections(listeners) == 0


async def test_one_address_inside_among_many_and_behind_aliases_is_found(
    merchant: Merchant, listeners: list[Listener]
) -> None:
    many = [f"93.184.{number}.14" for number in range(1, 20)]
    aliases = {HOST: "cdn.example.net", "cdn.example.net": "edge.example.org"}
    for place in (0, 10, 19):
        addresses = [*many[:place], INSIDE, *many[place:]]
        with name_server({"edge.example.org": [addresses]}, aliases) as names:
            async with GuardedEgress(resolve=names.look_up) as egress:
                url = f"https://{HOST}:{PORT}/"
                assert isinstance(await egress.post(url, body=b"{}", headers={}), Blocked)
                with pytest.raises(InvalidError):
                    await replace(merchant, egress=egress).add(url)

    assert _connections(listeners) == 0


@pytest.mark.parametrize("inside", [[INSIDE], ["::1"], [PUBLIC, INSIDE], [MAPPED]])
# What the name answered when it was saved: an address outside, or that there is none.
@pytest.mark.parametrize("before", [[PUBLIC], []])
async def test_a_name_that_turns_inside_after_it_was_saved_ends_blocked_and_is_not_retried(
    merchant: Merchant,
    clock: FixedClock,
    listeners: list[Listener],
    before: list[str],
    inside: list[str],
) -> None:
    with name_server({HOST: [before, inside]}) as names:
        async with GuardedEgress(resolve=names.look_up) as egress:
            attacked = replace(merchant, egress=egress)
            await attacked.add(f"https://{HOST}:{PORT}/")
            (event_id,) = await attacked.happen(CREATED)
            await attacked.send()
            clock.move(timedelta(days=4))
            again = await attacked.send()

    assert _connections(listeners) == 0
    assert again.done == 0
    assert names.asked == [HOST] * 2
    delivery = await merchant.delivery(event_id)
    assert (delivery.status, delivery.last_error) == ("failed", "blocked destination")
    (attempt,) = await merchant.query("SELECT number, status, error FROM webhook_attempts")
    assert tuple(attempt) == (1, None, "blocked destination")


async def test_an_attempt_connects_to_the_address_that_it_has_checked(
    listeners: list[Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[str] = []

    async def connect(_: socket.socket, address: tuple[str, int]) -> None:
        connected.append(address[0])
        raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")

    # A second question within an attempt would be answered with an address inside.
    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", connect)
    with name_server({HOST: [[PUBLIC], [INSIDE]]}) as names:
        async with GuardedEgress(resolve=names.look_up) as egress:
            outside = await egress.post(f"https://{HOST}:{PORT}/", body=b"{}", headers={})
        async with GuardedEgress(resolve=names.look_up) as egress:
            inside = await egress.post(f"https://{HOST}:{PORT}/", body=b"{}", headers={})

    assert isinstance(outside, Unreachable)
    assert isinstance(inside, Blocked)
    assert connected == [PUBLIC]
    assert names.asked == [HOST] * 2
    assert _connections(listeners) == 0


async def test_a_name_that_cannot_be_found_is_tried_again(
    merchant: Merchant, clock: FixedClock
) -> None:
    with name_server({}) as names:
        async with GuardedEgress(resolve=names.look_up) as egress:
            lost = replace(merchant, egress=egress)
            await lost.add(f"https://{HOST}:{PORT}/")
            (event_id,) = await lost.happen(CREATED)
            await lost.send()

    delivery = await merchant.delivery(event_id)
    assert (delivery.status, delivery.attempts) == ("pending", 1)
    assert delivery.last_error == "the host name cannot be resolved"
    assert delivery.next_attempt_at is not None
    assert delivery.next_attempt_at <= clock.at + timedelta(minutes=1)


@pytest.mark.parametrize("status", range(300, 309))
async def test_a_redirect_inside_is_not_followed(
    merchant: Merchant, listeners: list[Listener], receiver: Receiver, status: int
) -> None:
    await merchant.add(receiver.url)
    receiver.status = status
    for location in (
        *(f"https://{INSIDE}:{PORT}/", f"http://{INSIDE}:{PORT}/", f"//{INSIDE}:{PORT}/"),
        *(f"https://[::1]:{PORT}/", "file:///etc/passwd", "/elsewhere"),
    ):
        receiver.headers = {"Location": location, "Refresh": f"0; url={location}"}
        receiver.received.clear()
        (event_id,) = await merchant.happen(CREATED)
        await merchant.send()
        delivery = await merchant.delivery(event_id)
        assert (delivery.status, delivery.last_error) == ("pending", f"HTTP {status}")
        assert receiver.event_ids == [event_id]

    assert _connections(listeners) == 0


@pytest.mark.parametrize("port", [1, 22, 25, 80, 444, 5432, 6379, 8080, 65535])
async def test_an_odd_port_is_neither_saved_nor_connected_to(merchant: Merchant, port: int) -> None:
    url = f"https://8.8.8.8:{port}/"
    async with GuardedEgress() as strict:
        with pytest.raises(InvalidError):
            await replace(merchant, egress=strict).add(url)
        assert isinstance(await strict.post(url, body=b"{}", headers={}), Blocked)
