"""Which URLs and which network addresses a delivery may go to."""

import re
from enum import Enum
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

from yarl import URL

URL_CHARS_MAX: Final = 2048
HTTPS_PORTS: Final = frozenset({443, 8443})

# IANA IPv4 Special-Purpose Address Registry, the multicast block, and one address that a cloud keeps for itself.
_IPV4_REFUSED: Final = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",  # this network, and the unspecified address
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's host agent, public by its number and local by its route
        "169.254.0.0/16",  # link-local, with the clouds' metadata services
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # automatic multicast tunnelling
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
# Only global unicast is given out; loopback, unspecified, mapped, NAT64, unique local, link-local and multicast are
# outside of it.
_IPV6_GLOBAL: Final = IPv6Network("2000::/3")
_IPV6_REFUSED: Final = tuple(
    IPv6Network(block)
    for block in (
        "2001::/23",  # IETF protocol assignments: Teredo, ORCHID, benchmarking
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
_LOOPBACK: Final = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
# The last label decides whether a name is read as a number (WHATWG URL, 3.5): 2130706433, 0x7f.1 and 0177.0.0.1 are
# all loopback to the system's resolver.
_HOST_NAME: Final = re.compile(rf"(?:{_LABEL}\.)*(?!0x[0-9a-f]*\.?$)(?![0-9]+\.?$){_LABEL}\.?")
_HOST_CHARS_MAX: Final = 253
# Brackets are for IPv6 alone; the parser would take the name out of any others.
_UNWANTED: Final = re.compile(r"[\x00-\x20\x7f\\]|//\[[^:\]]*\]")


class Destination(Enum):
    """What a URL may reach: https the public internet, http (in development) this machine alone."""

    PUBLIC = "public"
    LOOPBACK = "loopback"


class RefusedDestinationError(Exception):
    """Nothing may be sent there; the message says why and may be shown to the merchant."""


# Every attempt asks again; only the text decides, so the answer for it stays. A refusal is not kept.
@lru_cache(maxsize=1024)
def demand_allowed_url(text: str, *, allow_loopback: bool) -> tuple[URL, Destination]:
    """The parsed URL, which is the one to connect with, and what it may reach.

    Raises `RefusedDestinationError`. A host name is judged by its addresses, later.
    """
    if len(text) > URL_CHARS_MAX or _UNWANTED.search(text):
        raise RefusedDestinationError(
            f"Must be a URL of at most {URL_CHARS_MAX} characters without spaces or backslashes."
        )
    try:
        url = URL(text)
    except ValueError:
        raise RefusedDestinationError("Must be a URL such as https://example.com/hooks.") from None
    # The parser forgets an empty user, so the sign itself is looked for too.
    if url.raw_user is not None or url.raw_password is not None or "@" in _authority(text):
        raise RefusedDestinationError("Must not hold a user name or password.")
    destination = _destination(url, allow_loopback=allow_loopback)
    _demand_allowed_host(url.raw_host or "", destination)
    return url, destination


def demand_allowed(address: str, destination: Destination) -> None:
    """Raises `RefusedDestinationError` unless a socket may be connected to this address."""
    try:
        # A zone (fe80::1%eth0) does not change which network an address is of.
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        raise RefusedDestinationError("The host's address cannot be read.") from None
    is_allowed = _is_loopback(ip) if destination is Destination.LOOPBACK else _is_public(ip)
    if not is_allowed:
        raise RefusedDestinationError("The host's address is not on the public internet.")


def _destination(url: URL, *, allow_loopback: bool) -> Destination:
    if url.scheme == "http" and allow_loopback:
        return Destination.LOOPBACK
    if url.scheme != "https":
        raise RefusedDestinationError("Must begin with https://.")
    if url.port not in HTTPS_PORTS:
        raise RefusedDestinationError("Must use port 443 or 8443.")
    return Destination.PUBLIC


def _demand_allowed_host(host: str, destination: Destination) -> None:
    if ":" in host or _is_dotted_quad(host):
        demand_allowed(host, destination)
    elif len(host) > _HOST_CHARS_MAX or not _HOST_NAME.fullmatch(host):
        raise RefusedDestinationError("Must name a host, such as example.com.")


def _is_dotted_quad(host: str) -> bool:
    try:
        IPv4Address(host)
    except ValueError:
        return False
    return True


def _is_public(ip: IPv4Address | IPv6Address) -> bool:
    if isinstance(ip, IPv4Address):
        return not any(ip in block for block in _IPV4_REFUSED)
    return ip in _IPV6_GLOBAL and not any(ip in block for block in _IPV6_REFUSED)


def _is_loopback(ip: IPv4Address | IPv6Address) -> bool:
    return any(ip in block for block in _LOOPBACK)


def _authority(text: str) -> str:
    return re.split(r"[/?#]", text.partition("//")[2], maxsplit=1)[0]
