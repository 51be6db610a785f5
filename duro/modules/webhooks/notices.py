"""Tells the owner of a tenant what became of its endpoints."""

from collections.abc import Mapping
from typing import Final

from duro.kit.db import Tx
from duro.modules.members.repository import find_owner
from duro.modules.messages.model import NewMessage
from duro.modules.messages.repository import OutboxRepository
from duro.modules.webhooks.model import DisabledReason
from duro.modules.webhooks.repository import EndpointRepository

_WHY: Final = {
    DisabledReason.GONE: "it answered 410, which says that it wants no more",
    DisabledReason.FAILING: "nothing has arrived there for five days",
}


async def tell_disabled(tx: Tx, disabled: Mapping[str, DisabledReason]) -> None:
    """In the transaction that disables them, so each time is told once; at once, also by night."""
    owner = await find_owner(tx) if disabled else None
    if owner is None:
        return
    messages = []
    for endpoint_id, reason in disabled.items():
        endpoint = await EndpointRepository(tx).find(endpoint_id)
        if endpoint is None:
            continue
        data: dict[str, object] = {
            "reason": _WHY[reason],
            "endpointUrl": endpoint.url,
            "command": f"duro webhooks enable --mode {tx.mode.value} {endpoint_id}",
        }
        if owner.name:
            data["tags"] = {"customer_name": owner.name}
        # It is disabled once only until somebody enables it, and that takes time.
        cause = f"{endpoint_id}:{tx.wall.isoformat()}"
        messages.append(NewMessage("endpoint_disabled", None, cause, data, tx.now, owner.email))
    await OutboxRepository(tx).add(messages)
