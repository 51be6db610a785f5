"""Who asks, and how often: looks up a request's credential, and counts it against that or against its address."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final, TypeAlias

from aiohttp import hdrs, web

from duro.errors import RateLimitedError, UnauthorizedError
from duro.kit.call import Authenticate, Credential
from duro.kit.limits import LimitClass, Limiter, Verdict

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

# Says whose request it is; raises `UnauthorizedError`.
Identify: TypeAlias = Callable[[web.Request], Awaitable[Credential]]

# What the limits say of a request, for its answer.
LIMIT_HEADERS: Final = web.RequestKey("limit_headers", Mapping[str, str])
_FORWARDED: Final = "X-Forwarded-For"
_NOWHERE: Final = "nowhere"
# Whoever has one address of IPv6 has all of its /64.
_OWN_BITS: Final = 64


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets requests in: as whoever they say, as often as the limits allow; without a limiter, always."""

    identify: Identify
    limiter: Limiter | None = None
    trusted_proxies: Sequence[Network] = ()

    async def admit(self, request: web.Request, kind: LimitClass) -> Credential:
        """The request's credential.

        Raises `UnauthorizedError`, `RateLimitedError`, or `UnavailableError` where nobody can count and the class of
        the operation fails closed.
        """
        try:
            credential = await self.identify(request)
        except UnauthorizedError:
            # A wrong credential counts against the address it came from, whatever was asked for.
            await self.admit_visitor(request, LimitClass.READ)
            raise
        if self.limiter is not None:
            _pass(request, await self.limiter.ask_of_credential(credential.id, kind))
        return credential

    async def admit_visitor(self, request: web.Request, kind: LimitClass) -> None:
        """Counts somebody who has no credential; raises as `admit` does."""
        if self.limiter is not None:
            owner = _owner(self.address(request))
            _pass(request, await self.limiter.ask_of_address(owner, kind))

    def address(self, request: web.Request) -> Address | None:
        """Where the request came from: the socket's other end, or what a trusted proxy says of it."""
        address = _read(request.remote or "")
        for told in _told(request):
            if address is None or not any(address in network for network in self.trusted_proxies):
                break
            heard = _read(told)
            if heard is None:
                break
            address = heard
        return address


def bearer(authenticate: Authenticate) -> Identify:
    """By the key or access token in the header of a request."""

    async def identify(request: web.Request) -> Credential:
        return await authenticate(_bearer(request))

    return identify


def _bearer(request: web.Request) -> str:
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise UnauthorizedError("Send a key as `Authorization: Bearer sk_…`.")
    return token.strip()


def _told(request: web.Request) -> Iterator[str]:
    """The forwarded addresses, nearest first: each proxy appends whom it heard."""
    for line in reversed(request.headers.getall(_FORWARDED, [])):
        yield from (part.strip() for part in reversed(line.split(",")))


def _read(text: str) -> Address | None:
    """An address, also with a port, or with the zone of a link."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _owner(address: Address | None) -> str:
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _OWN_BITS), strict=False))
    return str(address or _NOWHERE)


def _pass(request: web.Request, verdict: Verdict) -> None:
    request[LIMIT_HEADERS] = verdict.headers
    if verdict.retry_s:
        raise RateLimitedError(
            f"Too many requests; try again in {verdict.retry_s} s.", retry_s=verdict.retry_s
        )
