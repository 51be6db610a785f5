"""Who is let in: keys, their modes and kinds, and what happens when one is revoked."""

from datetime import timedelta

import pytest

from duro.errors import NotFoundError
from duro.kit.call import ANY_KEY, CredentialKind
from duro.kit.clock import FixedClock
from duro.kit.crypto import new_token
from duro.kit.db import Database
from duro.kit.modes import Mode
from duro.modules.access.repository import ApiKeyRepository
from duro.modules.access.service import Authenticator, create_key, revoke_key
from duro.modules.tenants.repository import TenantRepository
from duro.modules.tenants.service import create_tenant
from tests.support.api import Client, Server
from tests.support.roles import connected_as


async def test_a_key_opens_its_own_tenant_and_mode(
    db: Database, clock: FixedClock, tenant: str, mode: Mode
) -> None:
    async with db.core() as tx:
        made = await create_key(tx, tenant_id=tenant, mode=mode)

    credential = await Authenticator(db, clock)(made.token)

    assert made.token.startswith(f"sk_{mode.value}_")
    assert (credential.id, credential.mode) == (made.key.id, mode)
    assert (credential.tenant.id, credential.tenant.name) == (tenant, "Adunni Gyms")
    assert (credential.tenant.zone.key, credential.tenant.currency) == ("Africa/Lagos", "NGN")


async def test_a_token_is_kept_nowhere_only_its_digest(
    db: Database, database_url: str, tenant: str
) -> None:
    async with db.core() as tx:
        made = await create_key(tx, tenant_id=tenant, mode=Mode.LIVE)

    async with connected_as(database_url, "duro_core", search_path="core") as connection:
        rows = await connection.fetch("SELECT k::text AS kept FROM api_keys AS k")

    assert len(rows) == 1
    assert made.token[8:] not in rows[0]["kept"]


@pytest.mark.parametrize("kind", sorted(ANY_KEY))
async def test_a_revoked_key_is_refused_after_a_second(
    server: Server, db: Database, clock: FixedClock, tenant: str, kind: CredentialKind
) -> None:
    async with db.core() as tx:
        made = await create_key(tx, tenant_id=tenant, mode=Mode.TEST, kind=kind)
    client = server.stranger(made.token)
    before = await client.get("/v1/plans")
    async with db.core() as tx:
        await revoke_key(tx, tenant_id=tenant, key_id=made.key.id)

    clock.move(timedelta(seconds=1))

    assert before.status == (200 if kind is CredentialKind.SECRET else 403)
    assert (await client.get("/v1/plans")).code == "unauthorized"


async def test_a_key_is_revoked_once_and_by_its_own_tenant(
    db: Database, tenant: str, tenant_b: str
) -> None:
    async with db.core() as tx:
        made = await create_key(tx, tenant_id=tenant, mode=Mode.TEST)

    async with db.core() as tx:
        with pytest.raises(NotFoundError):
            await revoke_key(tx, tenant_id=tenant_b, key_id=made.key.id)
        await revoke_key(tx, tenant_id=tenant, key_id=made.key.id)
        with pytest.raises(NotFoundError):
            await revoke_key(tx, tenant_id=tenant, key_id=made.key.id)
        listed = await ApiKeyRepository(tx).list_newest(tenant)

    assert [key.revoked_at is not None for key in listed] == [True]
    assert listed[0].hint == made.token[-4:]


async def test_a_publishable_key_is_known_and_may_do_nothing_here(
    server: Server, tenant: str
) -> None:
    client = await server.client(tenant, Mode.TEST, CredentialKind.PUBLISHABLE)

    for answer in (await client.get("/v1/plans"), await client.post("/v1/customers", {})):
        assert (answer.status, answer.code) == (403, "forbidden")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic c2tfdGVzdF86",
        "sk_test_x",
        "Bearer sk_test_",
        "Bearer sk_test_" + "0" * 32,
        "Bearer " + new_token("sk_test_"),
        "Bearer " + new_token("sk_prod_"),
        "Bearer " + "x" * 5000,
    ],
    # What is random has no place in a name: two processes collect the same tests.
    ids=lambda header: header[:15],
)
async def test_a_missing_or_unknown_credential_is_401(server: Server, header: str) -> None:
    answer = await server.stranger().send("GET", "/v1/plans", headers={"Authorization": header})

    assert (answer.status, answer.code) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_the_scheme_is_read_in_any_case(client: Client) -> None:
    headers = {"Authorization": f"bearer {client.token}"}

    assert (await client.send("GET", "/v1/plans", headers=headers)).status == 200


async def test_a_mistyped_key_is_refused_without_a_look_up(
    server: Server, client: Client, db: Database
) -> None:
    token = client.token or ""
    mistyped = token[:-7] + ("A" if token[-7] != "A" else "B") + token[-6:]
    await db.close()

    assert (await server.stranger(mistyped).get("/v1/plans")).code == "unauthorized"
    assert (await server.stranger(token).get("/v1/plans")).code == "unavailable"


async def test_a_test_key_does_not_reach_live_data(
    server: Server, client: Client, tenant: str
) -> None:
    live = await server.client(tenant, Mode.LIVE)
    made = await live.post("/v1/customers", {"merchantRef": "u-1"})

    assert (await client.get(f"/v1/customers/{made.id}")).code == "not_found"
    assert (await client.get("/v1/customers")).json["items"] == []


async def test_a_new_tenant_is_found_with_what_it_was_made_of(db: Database) -> None:
    async with db.core() as tx:
        made = await create_tenant(tx, name="Chidi Books")
        found = await TenantRepository(tx).get(made.id)
        listed = await TenantRepository(tx).list_oldest()
        with pytest.raises(NotFoundError):
            await TenantRepository(tx).get("ten_unknown")

    assert found == made
    assert (made.name, made.zone.key, made.currency) == ("Chidi Books", "Africa/Lagos", "NGN")
    assert listed == [made]
