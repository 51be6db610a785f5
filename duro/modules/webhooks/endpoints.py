"""What a merchant does with endpoints: add, list, remove, disable, enable, rotate the secret, send a test."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from duro.errors import ConflictError, NotFoundError
from duro.kit.db import Database
from duro.kit.envelope import Envelope
from duro.kit.ids import new_id
from duro.kit.modes import Mode
from duro.kit.schema import refuse
from duro.modules.events.model import EventType
from duro.modules.webhooks.egress import Answer, Egress
from duro.modules.webhooks.model import DisabledReason, Endpoint
from duro.modules.webhooks.repository import EndpointRepository
from duro.modules.webhooks.sealing import open_secrets, seal_secret
from duro.modules.webhooks.signing import new_secret, signed_headers, write_body

# Not among the events that happen, so that no receiver takes a test for one of them.
TEST_TYPE: Final = "webhook_test"
# Far fewer than a fan-out gives an event to, because two who add at once may both be the last.
ENDPOINTS_MAX: Final = 250


@dataclass(frozen=True, slots=True)
class ShownOnce:
    """An endpoint with the secret that it was just given."""

    endpoint: Endpoint
    secret: str


@dataclass(frozen=True, slots=True)
class EndpointService:
    """One call, one transaction; the address of a receiver is looked at outside of it."""

    db: Database
    envelope: Envelope
    egress: Egress

    async def add(
        self, mode: Mode, tenant_id: str, *, url: str, types: Sequence[str] = ()
    ) -> ShownOnce:
        """Raises `InvalidError` for an address that the guard refuses and for an unknown type.

        And `ConflictError` when there are too many.
        """
        _demand_known(types)
        if (reason := await self.egress.refusal(url)) is not None:
            raise refuse("url", reason)
        secret = new_secret()
        async with self.db.begin(mode, tenant_id) as tx:
            endpoints = EndpointRepository(tx)
            if await endpoints.count() >= ENDPOINTS_MAX:
                raise ConflictError(
                    f"There are {ENDPOINTS_MAX} endpoints already: remove one first."
                )
            endpoint = Endpoint(
                id=new_id("whe", wall=tx.wall),
                url=url,
                types=tuple(dict.fromkeys(types)),
                disabled_at=None,
                created_at=tx.now,
            )
            sealed = seal_secret(self.envelope, tx, endpoint.id, secret)
            await endpoints.add(endpoint, sealed)
        return ShownOnce(endpoint, secret)

    async def list_all(self, mode: Mode, tenant_id: str) -> list[Endpoint]:
        async with self.db.begin(mode, tenant_id) as tx:
            return await EndpointRepository(tx).list_all()

    async def get(self, mode: Mode, tenant_id: str, endpoint_id: str) -> Endpoint:
        """Raises `NotFoundError`."""
        async with self.db.read(mode, tenant_id) as tx:
            return await EndpointRepository(tx).get(endpoint_id)

    async def change(
        self,
        mode: Mode,
        tenant_id: str,
        endpoint_id: str,
        *,
        url: str | None = None,
        types: Sequence[str] | None = None,
    ) -> Endpoint:
        """What is None stays; what waits for the endpoint goes to the new address.

        Raises as `add` does, and `NotFoundError`.
        """
        _demand_known(types or ())
        if url is not None and (reason := await self.egress.refusal(url)) is not None:
            raise refuse("url", reason)
        async with self.db.begin(mode, tenant_id) as tx:
            endpoints = EndpointRepository(tx)
            given = None if types is None else tuple(dict.fromkeys(types))
            await endpoints.change(endpoint_id, url=url, types=given)
            return await endpoints.get(endpoint_id)

    async def remove(self, mode: Mode, tenant_id: str, endpoint_id: str) -> None:
        """Its deliveries go with it. Raises `NotFoundError`."""
        async with self.db.begin(mode, tenant_id) as tx:
            if not await EndpointRepository(tx).remove(endpoint_id):
                raise _not_found(endpoint_id)

    async def disable(self, mode: Mode, tenant_id: str, endpoint_id: str) -> None:
        """Send nothing there; what waits for it keeps waiting. Raises `NotFoundError`."""
        async with self.db.begin(mode, tenant_id) as tx:
            endpoints = EndpointRepository(tx)
            if await endpoints.find(endpoint_id) is None:
                raise _not_found(endpoint_id)
            await endpoints.disable([endpoint_id], DisabledReason.ASKED)
            await endpoints.park(endpoint_id)

    async def enable(self, mode: Mode, tenant_id: str, endpoint_id: str) -> int:
        """Send there again, first what waited; how much that is. Raises `NotFoundError`."""
        async with self.db.begin(mode, tenant_id) as tx:
            endpoints = EndpointRepository(tx)
            if await endpoints.find(endpoint_id) is None:
                raise _not_found(endpoint_id)
            waiting = await endpoints.enable(endpoint_id)
            tx.ring("webhook.deliver")
        return waiting

    async def rotate(self, mode: Mode, tenant_id: str, endpoint_id: str) -> ShownOnce:
        """A new secret; until the next rotation the present one signs beside it. Raises `NotFoundError`."""
        secret = new_secret()
        async with self.db.begin(mode, tenant_id) as tx:
            endpoints = EndpointRepository(tx)
            endpoint = await endpoints.find(endpoint_id)
            if endpoint is None or await endpoints.lock_secrets(endpoint_id) is None:
                raise _not_found(endpoint_id)
            sealed = seal_secret(self.envelope, tx, endpoint_id, secret)
            await endpoints.rotate(endpoint_id, sealed)
        return ShownOnce(endpoint, secret)

    async def reveal(self, mode: Mode, tenant_id: str, endpoint_id: str) -> str:
        """The present secret, for the machine's own operator. Raises `NotFoundError`."""
        _, secrets = await self._open(mode, tenant_id, endpoint_id)
        return secrets[0]

    async def send_test(self, mode: Mode, tenant_id: str, endpoint_id: str) -> Answer:
        """Send one signed test to the endpoint, also to a disabled one; nothing is kept of it."""
        endpoint, secrets = await self._open(mode, tenant_id, endpoint_id)
        wall = self.db.clock.wall()
        event_id = new_id("evt", wall=wall)
        body = write_body(event_id=event_id, event_type=TEST_TYPE, created_at=wall, data={})
        headers = signed_headers(
            body, event_id=event_id, event_type=TEST_TYPE, secret_texts=secrets, wall=wall
        )
        return await self.egress.post(endpoint.url, body=body, headers=headers)

    async def _open(
        self, mode: Mode, tenant_id: str, endpoint_id: str
    ) -> tuple[Endpoint, list[str]]:
        async with self.db.begin(mode, tenant_id) as tx:
            endpoints = EndpointRepository(tx)
            endpoint = await endpoints.find(endpoint_id)
            sealed = await endpoints.lock_secrets(endpoint_id)
            if endpoint is None or sealed is None:
                raise _not_found(endpoint_id)
            return endpoint, open_secrets(self.envelope, tx, endpoint_id, sealed)


def _demand_known(types: Sequence[str]) -> None:
    unknown = [name for name in types if name not in frozenset(EventType)]
    if unknown:
        raise refuse("events", f"Unknown: {', '.join(unknown)}. Known: {', '.join(EventType)}.")


def _not_found(endpoint_id: str) -> NotFoundError:
    return NotFoundError(f"No webhook endpoint {endpoint_id}.")
