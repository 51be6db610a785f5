"""Owns a real DNS server on loopback that answers what a test tells it, and the question to it."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from dnslib import AAAA, CNAME, QTYPE, RCODE, RR, A, DNSRecord
from dnslib.server import DNSServer

_HERE: Final = "127.0.0.1"
_TIMEOUT_S: Final = 5.0


@dataclass
class NameServer:
    """For each name one list of addresses after the other, and the last for ever; a time to live of 0.

    A name without an address in its list does not exist; one among the aliases is another name for something else.
    """

    names: Mapping[str, Sequence[Sequence[str]]]
    aliases: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    asked: list[str] = field(default_factory=list)

    def resolve(self, request: Any, _handler: Any) -> Any:  # noqa: ANN401 - dnslib has no types
        reply = request.reply()
        name = str(request.q.qname).rstrip(".")
        while (target := self.aliases.get(name)) is not None:
            reply.add_answer(RR(name, QTYPE.CNAME, rdata=CNAME(target), ttl=0))
            name = target
        answers = self.names.get(name, [[]])
        if request.q.qtype == QTYPE.A:
            self.asked.append(name)
        turn = min(max(self.asked.count(name), 1), len(answers)) - 1
        if not answers[turn]:
            reply.header.rcode = RCODE.NXDOMAIN
        for address in answers[turn]:
            kind, data = (QTYPE.AAAA, AAAA) if ":" in address else (QTYPE.A, A)
            if request.q.qtype == kind:
                reply.add_answer(RR(name, kind, rdata=data(address), ttl=0))
        return reply

    async def look_up(self, host: str, _port: int) -> list[str]:
        """Both kinds of address, as the system's resolver would ask for them."""
        return await asyncio.to_thread(self._ask, host)

    def _ask(self, host: str) -> list[str]:
        found: list[str] = []
        for kind in ("A", "AAAA"):
            packet = DNSRecord.question(host, kind).send(_HERE, self.port, timeout=_TIMEOUT_S)
            answers = DNSRecord.parse(packet).rr
            found += [str(each.rdata) for each in answers if each.rtype in {QTYPE.A, QTYPE.AAAA}]
        if not found:
            raise OSError(f"{host} has no address")
        return found


@contextmanager
def name_server(
    names: Mapping[str, Sequence[Sequence[str]]], aliases: Mapping[str, str] | None = None
) -> Iterator[NameServer]:
    resolver = NameServer(names, aliases or {})
    server = DNSServer(resolver, address=_HERE, port=0, logger=None)
    resolver.port = server.server.server_address[1]
    server.start_thread()
    try:
        yield resolver
    finally:
        server.stop()
        server.server.server_close()
