"""Holds deliveries to the public internet against names and addresses that mean to lead inside.

The listeners stand on port 8443, which the guard allows, so that nothing but the address keeps a delivery from them.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from duro.adapters.egress import GuardedEgress
from duro.errors import InvalidError
from duro.kit.clock import FixedClock
from duro.modules.events.model import EventType
from duro.modules.webhooks.egress import Blocked
from tests.support.nameserver import name_server
from tests.support.receiver import Listener, Receiver, counting_listener
from tests.support.webhooks import Merchant

CREATED: Final = EventType.SUBSCRIPTION_CREATED
PUBLIC: Final = "93.184.215.14"
# An address of loopback that no other test listens on.
INSIDE: Final = "127.83.19.7"
PORT: Final = 8443
MAPPED: Final = "::ffff:7f53:1307"


@pytest.fixture
async def listeners() -> AsyncIterator[list[Listener]]:
    """On loopback, under both versions of the protocol where the machine has both."""
    async with AsyncExitStack() as stack:
        found = [await stack.enter_async_context(counting_listener(INSIDE, PORT))]
        try:
            found.append(await stack.enter_async_context(counting_listener("::1", PORT)))
        except OSError:
            """No IPv6 here, or its port is taken: the other listener counts alone."""
        yield found


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
    [
        *([INSIDE], ["::1"], [PUBLIC, INSIDE], [PUBLIC, "::1"], [MAPPED], ["64:ff9b::7f53:1307"]),
        *(["2002:7f53:1307::"], ["10.0.0.1"], ["169.254.169.254"], ["100.64.0.1"], ["fe80::1"]),
    ],
)
async def test_no_name_with_an_address_inside_is_saved(
    merchant: Merchant, listeners: list[Listener], addresses: list[str]
) -> None:
    with name_server({"hooks.example.com": [addresses]}) as names:
        async with GuardedEgress(resolve=names.look_up) as egress:
            with pytest.raises(InvalidError, match="A value is not acceptable"):
                await replace(merchant, egress=egress).add(f"https://hooks.example.com:{PORT}/")

    assert _connections(listeners) == 0


@pytest.mark.parametrize("inside", [[INSIDE], ["::1"], [PUBLIC, INSIDE], [MAPPED]])
async def test_a_name_that_turns_inside_after_it_was_saved_ends_blocked_and_is_not_retried(
    merchant: Merchant, clock: FixedClock, listeners: list[Listener], inside: list[str]
) -> None:
    with name_server({"hooks.example.com": [[PUBLIC], inside]}) as names:
        async with GuardedEgress(resolve=names.look_up) as egress:
            attacked = replace(merchant, egress=egress)
            await attacked.add(f"https://hooks.example.com:{PORT}/")
            (event_id,) = await attacked.happen(CREATED)
            await attacked.send()
            clock.move(timedelta(days=4))
            again = await attacked.send()

    assert _connections(listeners) == 0
    assert again.done == 0
    assert names.asked == ["hooks.example.com"] * 2
    delivery = await merchant.delivery(event_id)
    assert (delivery.status, delivery.last_error) == ("failed", "blocked destination")
    (attempt,) = await merchant.query("SELECT number, status, error FROM webhook_attempts")
    assert tuple(attempt) == (1, None, "blocked destination")


async def test_a_redirect_inside_is_not_followed(
    merchant: Merchant, listeners: list[Listener], receiver: Receiver
) -> None:
    for status in (301, 302, 303, 307, 308):
        receiver.status = status
        receiver.headers = {"Location": f"https://{INSIDE}:{PORT}/"}
        answer = await merchant.egress.post(receiver.url, body=b"{}", headers={})
        assert getattr(answer, "status", None) == status

    assert _connections(listeners) == 0


@pytest.mark.parametrize("port", [1, 22, 25, 80, 444, 5432, 6379, 8080, 65535])
async def test_an_odd_port_is_neither_saved_nor_connected_to(merchant: Merchant, port: int) -> None:
    url = f"https://8.8.8.8:{port}/"
    async with GuardedEgress() as strict:
        with pytest.raises(InvalidError):
            await replace(merchant, egress=strict).add(url)
        assert isinstance(await strict.post(url, body=b"{}", headers={}), Blocked)
