"""Who `duro dev` is: the tenant, keys and secrets of its first start, kept for the later ones."""

import base64
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from duro.errors import NotFoundError
from duro.kit.call import CredentialKind
from duro.kit.crypto import new_token
from duro.kit.db import CoreTx, Database
from duro.kit.modes import Mode
from duro.modules.access.service import create_key
from duro.modules.members.model import Member, Role
from duro.modules.members.repository import MemberRepository
from duro.modules.members.service import add_member
from duro.modules.tenants.repository import TenantRepository
from duro.modules.tenants.service import create_tenant
from duro.modules.webhooks.endpoints import EndpointService
from duro.runtime.errors import StartError
from duro.runtime.files import read_json, write_private_json

FILE: Final = "dev.json"
TENANT_NAME: Final = "Adunni Gyms"
OWNER: Final = "owner@demo.example"
_MASTER_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Identity:
    """Kept in the data directory, mode 0600; plain, because it is for developing only."""

    master_key: str
    staff_key: str
    tenant_id: str = ""
    secret_key: str = ""
    publishable_key: str = ""
    live_secret_key: str = ""
    endpoint_id: str = ""
    endpoint_url: str = ""
    webhook_secret: str = ""
    inbox_port: int = 0
    is_seeded: bool = False


def load_identity(data_dir: Path) -> Identity:
    """The one of earlier starts, or a new one that has no tenant yet."""
    file = data_dir / FILE
    kept = read_json(file)
    if kept is None:
        return Identity(
            master_key=base64.b64encode(secrets.token_bytes(_MASTER_KEY_BYTES)).decode(),
            staff_key=new_token("staff_"),
        )
    try:
        return TypeAdapter(Identity).validate_python(kept)
    except ValidationError as error:
        # Without its master key the secrets in the database cannot be opened: never replace it silently.
        raise StartError(f"{file} is damaged: put it back, or start anew with --reset.") from error


def keep_identity(data_dir: Path, identity: Identity) -> None:
    write_private_json(data_dir / FILE, asdict(identity))


async def ensure_tenant(db: Database, identity: Identity) -> Identity:
    """With a tenant and its keys, those of the first start wherever the database still has them."""
    async with db.core() as tx:
        if identity.tenant_id and await _exists(tx, identity.tenant_id):
            await ensure_owner(tx, identity.tenant_id)
            return identity
        # A start that was killed between the database and the file has left a tenant without known keys.
        tenants = await TenantRepository(tx).list_oldest()
        found = next((tenant for tenant in tenants if tenant.name == TENANT_NAME), None)
        tenant = found or await create_tenant(tx, name=TENANT_NAME)
        await ensure_owner(tx, tenant.id)
        test = await create_key(tx, tenant_id=tenant.id, mode=Mode.TEST)
        publishable = await create_key(
            tx, tenant_id=tenant.id, mode=Mode.TEST, kind=CredentialKind.PUBLISHABLE
        )
        live = await create_key(tx, tenant_id=tenant.id, mode=Mode.LIVE)
    return replace(
        identity,
        tenant_id=tenant.id,
        secret_key=test.token,
        publishable_key=publishable.token,
        live_secret_key=live.token,
        endpoint_id="",
        is_seeded=False,
    )


async def ensure_endpoint(endpoints: EndpointService, identity: Identity, url: str) -> Identity:
    """With an endpoint of the test mode that is our own inbox."""
    kept = await endpoints.list_all(Mode.TEST, identity.tenant_id)
    is_there = any(endpoint.id == identity.endpoint_id for endpoint in kept)
    if is_there and identity.endpoint_url == url:
        return identity
    if is_there:
        # The inbox has moved to another port; nothing answers at the old one.
        await endpoints.remove(Mode.TEST, identity.tenant_id, identity.endpoint_id)
    made = await endpoints.add(Mode.TEST, identity.tenant_id, url=url)
    return replace(
        identity, endpoint_id=made.endpoint.id, endpoint_url=url, webhook_secret=made.secret
    )


async def ensure_owner(tx: CoreTx, tenant_id: str) -> Member:
    """The owner; data of a version before there were members has none."""
    team = await MemberRepository(tx, tenant_id).list_oldest()
    found = next((member for member in team if member.role is Role.OWNER), None)
    return found or await add_member(tx, tenant_id=tenant_id, email=OWNER, role=Role.OWNER)


async def _exists(tx: CoreTx, tenant_id: str) -> bool:
    try:
        await TenantRepository(tx).get(tenant_id)
    except NotFoundError:
        return False
    return True
