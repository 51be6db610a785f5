"""Holds the guard of destinations against every kind of address that must never be reached."""

import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duro.adapters.destinations import (
    Destination,
    RefusedDestinationError,
    demand_allowed,
    demand_allowed_url,
)

INSIDE = {
    "unspecified": ("0.0.0.0", "0.1.2.3", "::"),  # noqa: S104 - addresses to refuse
    "private": ("10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    "loopback": ("127.0.0.1", "127.255.255.254", "::1"),
    "link-local": ("169.254.0.1", "169.254.169.254", "fe80::1", "fe80::1%eth0", "febf::1"),
    "cgnat": ("100.64.0.1", "100.127.255.255", "100.100.100.200"),
    "multicast": ("224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"),
    "reserved": ("240.0.0.1", "255.255.255.255", "192.0.0.192", "198.18.0.1", "198.19.255.255"),
    "documentation": ("192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"),
    "nat64": ("64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1"),
    "6to4": ("2002:7f00:1::", "2002:808:808::1", "192.88.99.1"),
    "teredo": ("2001::1", "2001:0:7f00:1::"),
    "mapped": ("::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "::127.0.0.1"),
    "unique-local": ("fc00::1", "fd00:ec2::254"),
    "site-local": ("fec0::1",),
    "discard": ("100::1",),
    "host-agent": ("168.63.129.16",),
    "unreadable": ("", "localhost", "1.2.3", "0177.0.0.1"),
}
PUBLIC = (
    *("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0"),
    *("126.255.255.255", "128.0.0.1", "172.15.255.255", "172.32.0.0", "192.167.255.255"),
    *("192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"),
    *("2606:4700:4700::1111", "2001:4860:4860::8888", "2a00:1450:4009::1", "3fff:1000::1"),
)


@pytest.mark.parametrize(
    "address",
    [pytest.param(address, id=f"{kind}-{address}") for kind in INSIDE for address in INSIDE[kind]],
)
def test_an_address_inside_is_refused(address: str) -> None:
    with pytest.raises(RefusedDestinationError):
        demand_allowed(address, Destination.PUBLIC)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_on_the_public_internet_is_allowed(address: str) -> None:
    demand_allowed(address, Destination.PUBLIC)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1"])
def test_loopback_takes_loopback(address: str) -> None:
    demand_allowed(address, Destination.LOOPBACK)


@pytest.mark.parametrize("address", [*PUBLIC, "10.0.0.1", "::ffff:127.0.0.1", "::", "fe80::1"])
def test_loopback_takes_nothing_else(address: str) -> None:
    with pytest.raises(RefusedDestinationError):
        demand_allowed(address, Destination.LOOPBACK)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com/hooks?shop=1#top",
        "https://EXAMPLE.com:443/",
        "https://hooks.example.com:8443/",
        "https://example.com./",
        "https://a_b.example.com/",
        "https://xn--bcher-kva.example/",
        "https://bücher.example/",
        "https://8.8.8.8/",
        "https://[2606:4700:4700::1111]/",
        "https://0x7f.example.com/",
        "https://example.com/~user/@me",
    ],
)
def test_a_public_https_url_is_allowed(url: str) -> None:
    _, destination = demand_allowed_url(url, allow_loopback=False)

    assert destination is Destination.PUBLIC


REFUSED = {
    "scheme": ("ftp://example.com/", "file:///etc/passwd", "//example.com/"),
    "no scheme": ("example.com", "", "https:example.com", "https://", "https:///hooks"),
    "port": ("https://example.com:80/", "https://example.com:22/", "https://example.com:0/"),
    "port range": ("https://example.com:99999/", "https://example.com:-1/"),
    "credentials": ("https://u:p@example.com/", "https://u@example.com/", "https://@example.com/"),
    "two authorities": ("https://example.com@127.0.0.1/", "https://127.0.0.1\\@example.com/"),
    "literal": ("https://127.0.0.1/", "https://10.0.0.1/", "https://169.254.169.254/latest"),
    "literal 6": ("https://[::1]/", "https://[fe80::1%25eth0]/", "https://[::ffff:127.0.0.1]/"),
    "translated": ("https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/"),
    "decimal": ("https://2130706433/", "https://4294967295/"),
    "hex": ("https://0x7f000001/", "https://0x7f.0.0.1/", "https://0x7F.1/"),
    "octal": ("https://0177.0.0.1/", "https://017700000001/"),
    "short": ("https://127.1/", "https://127.0.1/", "https://0/", "https://1.2.3.4.5/"),
    "dotted number": ("https://127.0.0.1./", "https://2130706433./", "https://0x7f.1./"),
    "full width": ("https://\uff11\uff12\uff17.0.0.1/", "https://①②⑦.0.0.1/"),
    "escaped": ("https://127%2e0%2e0%2e1/", "https://ex%61mple.com/"),
    "no name": ("https://./", "https://a..b/", "https://-a-.com/", "https://[v1.x]/"),
    "spaces": ("https://exa mple.com/", " https://example.com/", "https://example.com/\n"),
    "control": ("https://example.com/\x00", "https://example.com\t/"),
    "long": ("https://example.com/" + "a" * 2048, "https://" + "a." * 130 + "com/"),
}


@pytest.mark.parametrize("allow_loopback", [False, True])
@pytest.mark.parametrize(
    "url", [pytest.param(url, id=f"{why}-{url[:40]!a}") for why in REFUSED for url in REFUSED[why]]
)
def test_a_url_that_could_lead_inside_is_refused(url: str, *, allow_loopback: bool) -> None:
    with pytest.raises(RefusedDestinationError):
        demand_allowed_url(url, allow_loopback=allow_loopback)


@pytest.mark.parametrize(
    # The name of another machine passes here and is judged by its addresses.
    "url",
    [
        "http://127.0.0.1:9/",
        "http://example.com/",
        "http://localhost:3000/hooks",
        "http://[::1]:65535/",
    ],
)
def test_development_may_send_plain_http_to_loopback_on_any_port(url: str) -> None:
    _, destination = demand_allowed_url(url, allow_loopback=True)

    assert destination is Destination.LOOPBACK
    with pytest.raises(RefusedDestinationError):
        demand_allowed_url(url, allow_loopback=False)


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "http://8.8.8.8/", "http://2130706433/", "http://u:p@127.0.0.1/"]
)
def test_development_sends_plain_http_nowhere_else(url: str) -> None:
    with pytest.raises(RefusedDestinationError):
        demand_allowed_url(url, allow_loopback=True)


_PIECES = (
    *("0", "1", "127", "0177", "0x7f", "0X7F", "0x7f000001", "2130706433", "017700000001", "256"),
    *("10", "192.168", "169.254.169.254", "127.0.0.1", "08", "0x", "4294967295", "localhost"),
    *("１２７", "①②⑦", "٣", "。", "．", "｡", "%31", "\u00ad", "\u200b", "example.com", "xn--"),  # noqa: RUF001 - spellings to refuse
    *(".", "..", ":", "::1", "::ffff:", "7f00:1", "fe80::1", "%lo", "64:ff9b::", "2002:7f00:1::"),
    *("[", "]", "@", "\\", "/", "#", "?", "\t", "\0", " "),
)


@settings(max_examples=2000)
@given(
    pieces=st.lists(st.sampled_from(_PIECES), min_size=1, max_size=6), is_bracketed=st.booleans()
)
def test_what_the_resolver_reads_as_a_number_is_public_or_refused(
    pieces: list[str], *, is_bracketed: bool
) -> None:
    host = "".join(pieces)
    try:
        url, _ = demand_allowed_url(
            f"https://[{host}]/" if is_bracketed else f"https://{host}/", allow_loopback=False
        )
    except RefusedDestinationError:
        return
    try:
        # Numbers only: no name server is asked.
        found = socket.getaddrinfo(url.raw_host, 443, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return

    for *_, address in found:
        demand_allowed(str(address[0]), Destination.PUBLIC)
