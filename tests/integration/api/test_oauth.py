"""OAuth client credentials: the token endpoint as RFC 6749 has it, and what its tokens open."""

import asyncio
import base64
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

import orjson
import pytest
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from duro.errors import InvalidError, NotFoundError
from duro.kit.clock import FixedClock
from duro.kit.crypto import new_token
from duro.kit.db import Database
from duro.kit.modes import Mode
from duro.kit.registry import Routes
from duro.modules.access.model import NewOAuthClient
from duro.modules.access.oauth import create_client, revoke_client, revoke_token
from duro.modules.access.repository import OAuthRepository
from duro.modules.access.routes import routes as access_routes
from duro.modules.catalog.routes import routes as plan_routes
from tests.support.api import Answer, Server
from tests.support.roles import connected_as

GOLD = {"name": "Gold", "amount": 500000, "interval": "month"}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def routes() -> Sequence[Routes]:
    return (plan_routes, access_routes)


@pytest.fixture
async def made(db: Database, tenant: str) -> NewOAuthClient:
    """A test-mode client of the tenant."""
    return await make(db, tenant)


async def make(db: Database, tenant: str, mode: Mode = Mode.TEST) -> NewOAuthClient:
    async with db.core() as tx:
        return await create_client(tx, tenant_id=tenant, mode=mode, name="Books")


def proof(made: NewOAuthClient, **others: object) -> dict[str, Any]:
    return {
        "grant_type": "client_credentials",
        "client_id": made.client.client_id,
        "client_secret": made.secret,
        **others,
    }


def basic(client_id: str, secret: str) -> str:
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


async def ask(
    server: Server,
    fields: dict[str, Any] | bytes,
    *,
    authorization: str = "",
    media: str = FORM,
    path: str = "/v1/oauth/token",
) -> Answer:
    raw = fields if isinstance(fields, bytes) else urlencode(fields).encode()
    headers = {"Content-Type": media, "Authorization": authorization}
    return await server.stranger().send("POST", path, raw=raw, headers=headers)


async def token_of(server: Server, made: NewOAuthClient) -> str:
    found: str = (await ask(server, proof(made))).json["access_token"]
    return found


def assert_refused(answer: Answer, status: int, error: str) -> None:
    assert (answer.status, set(answer.json)) == (status, {"error", "error_description"})
    assert answer.json["error"] == error
    allowed = set(map(chr, range(0x20, 0x7F))) - set('"\\')
    assert set(answer.json["error_description"]) <= allowed
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


@pytest.mark.parametrize("way", ["form", "json", "basic", "basic and id"])
async def test_a_client_gets_a_token_in_every_way_that_the_standard_names(
    server: Server, made: NewOAuthClient, way: str
) -> None:
    header = basic(made.client.client_id, made.secret)
    grant = {"grant_type": "client_credentials"}
    match way:
        case "form":
            answer = await ask(server, proof(made))
        case "json":
            answer = await ask(server, orjson.dumps(proof(made)), media="application/json")
        case "basic":
            answer = await ask(server, grant, authorization=header)
        case _:
            both = grant | {"client_id": made.client.client_id}
            answer = await ask(server, both, authorization=header)

    assert answer.status == 200
    token = answer.json["access_token"]
    assert answer.json == {"access_token": token, "token_type": "Bearer", "expires_in": 3600}
    assert token.startswith("at_test_")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    assert (await server.stranger(token).get("/v1/plans")).status == 200


async def test_a_token_is_good_for_its_tenant_and_mode_as_a_secret_key_is(
    server: Server, db: Database, tenant: str, tenant_b: str
) -> None:
    live = server.stranger(await token_of(server, await make(db, tenant, Mode.LIVE)))
    test = server.stranger(await token_of(server, await make(db, tenant)))
    theirs = server.stranger(await token_of(server, await make(db, tenant_b, Mode.LIVE)))

    plan = await live.post("/v1/plans", GOLD, key="k-1")
    again = await live.post("/v1/plans", GOLD, key="k-1")

    assert (plan.status, again.is_replay) == (201, True)
    key = await server.client(tenant, Mode.LIVE)
    assert (await key.get(f"/v1/plans/{plan.id}")).status == 200
    assert (await test.get(f"/v1/plans/{plan.id}")).code == "not_found"
    assert (await theirs.get(f"/v1/plans/{plan.id}")).code == "not_found"


async def test_a_token_ends_after_an_hour(
    server: Server, made: NewOAuthClient, clock: FixedClock
) -> None:
    client = server.stranger(await token_of(server, made))

    clock.move(timedelta(seconds=3599))
    before = await client.get("/v1/plans")
    clock.move(timedelta(seconds=1))
    after = await client.get("/v1/plans")

    assert (before.status, after.status) == (200, 401)


async def test_a_revoked_client_and_its_tokens_are_refused_after_a_second(
    server: Server, db: Database, clock: FixedClock, made: NewOAuthClient, tenant: str
) -> None:
    client = server.stranger(await token_of(server, made))
    before = await client.get("/v1/plans")

    async with db.core() as tx:
        await revoke_client(tx, tenant_id=tenant, client_id=made.client.id)
    clock.move(timedelta(seconds=1))

    assert before.status == 200
    assert (await client.get("/v1/plans")).code == "unauthorized"
    assert_refused(await ask(server, proof(made)), 401, "invalid_client")


async def test_a_revoked_token_is_refused_after_a_second_and_others_are_not(
    server: Server, db: Database, clock: FixedClock, made: NewOAuthClient, tenant: str
) -> None:
    tokens = [await token_of(server, made) for _ in range(2)]
    before = [(await server.stranger(token).get("/v1/plans")).status for token in tokens]

    async with db.core() as tx:
        await revoke_token(tx, tenant_id=tenant, token=tokens[0])
    clock.move(timedelta(seconds=1))
    after = [(await server.stranger(token).get("/v1/plans")).status for token in tokens]

    assert (before, after) == ([200, 200], [401, 200])


async def test_a_tenant_revokes_its_own_clients_and_tokens_only(
    server: Server, db: Database, made: NewOAuthClient, tenant: str, tenant_b: str
) -> None:
    token = await token_of(server, made)

    async with db.core() as tx:
        with pytest.raises(NotFoundError):
            await revoke_client(tx, tenant_id=tenant_b, client_id=made.client.id)
        with pytest.raises(NotFoundError):
            await revoke_token(tx, tenant_id=tenant_b, token=token)
        await revoke_client(tx, tenant_id=tenant, client_id=made.client.client_id)
        with pytest.raises(NotFoundError):
            await revoke_client(tx, tenant_id=tenant, client_id=made.client.id)
        listed = await OAuthRepository(tx).list_clients(tenant)
        theirs = await OAuthRepository(tx).list_clients(tenant_b)

    assert [(each.id, each.revoked_at is not None) for each in listed] == [(made.client.id, True)]
    assert theirs == []


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"grant_type": None}, 400, "invalid_request"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "CLIENT_CREDENTIALS"}, 400, "unsupported_grant_type"),
        ({"scope": "plans:read"}, 400, "invalid_scope"),
        ({"client_id": None}, 401, "invalid_client"),
        ({"client_secret": None}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"client_id": new_token("cid_test_")}, 401, "invalid_client"),
        ({"client_id": "cid_test_x"}, 401, "invalid_client"),
        ({"client_secret": new_token("csec_test_")}, 401, "invalid_client"),
        ({"client_secret": new_token("csec_live_")}, 401, "invalid_client"),
        ({"client_secret": "né"}, 401, "invalid_client"),
    ],
)
async def test_what_is_wrong_is_named_as_the_standard_does(
    server: Server, made: NewOAuthClient, change: dict[str, str | None], status: int, error: str
) -> None:
    fields = {name: value for name, value in proof(made, **change).items() if value is not None}

    by_form = await ask(server, fields)
    by_json = await ask(server, orjson.dumps(fields), media="application/json")

    assert_refused(by_form, status, error)
    assert_refused(by_json, status, error)


@pytest.mark.parametrize(
    ("body", "media", "status"),
    [
        (b"", FORM, 400),
        (b"grant_type=client_credentials&grant_type=client_credentials", FORM, 400),
        (b"grant_type=%ff", FORM, 400),
        (b"grant_type=%00", FORM, 400),
        (b"\xff", FORM, 400),
        (b"&".join([b"a=1"] * 200), FORM, 400),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"grant_type": 1}', "application/json", 400),
        (b'{"grant_type": "a", "grant_type": "b"}', "application/json", 400),
        (b'{"gr\xc3\xa4nt\\"": NaN}', "application/json", 400),
        (b"<a/>", "application/xml", 415),
        (b"grant_type=client_credentials", "text/plain", 415),
        (b"grant_type=" + b"x" * 1024 * 1024, FORM, 413),
    ],
    ids=lambda given: str(given)[:24],
)
async def test_what_cannot_be_read_is_an_invalid_request(
    server: Server, body: bytes, media: str, status: int
) -> None:
    assert_refused(await ask(server, body, media=media), status, "invalid_request")


async def test_parameters_in_the_address_are_refused_and_unknown_ones_in_the_body_ignored(
    server: Server, made: NewOAuthClient
) -> None:
    in_address = await ask(server, proof(made), path="/v1/oauth/token?client_secret=x")
    unknown = await ask(server, proof(made, audience="https://example.com", scope=""))

    assert_refused(in_address, 400, "invalid_request")
    assert unknown.status == 200


@pytest.mark.parametrize(
    ("header", "status", "error"),
    [
        ("Basic", 401, "invalid_client"),
        ("Basic ***", 401, "invalid_client"),
        ("Basic " + base64.b64encode(b"no colon").decode(), 401, "invalid_client"),
        ("Basic " + base64.b64encode(b"\xff\xfe").decode(), 401, "invalid_client"),
        (basic(new_token("cid_test_"), new_token("csec_test_")), 401, "invalid_client"),
        ("Bearer " + new_token("sk_test_"), 401, "invalid_client"),
    ],
    ids=["bare", "no-base64", "no-colon", "no-utf8", "unknown", "another-scheme"],
)
async def test_a_wrong_header_is_an_invalid_client(
    server: Server, header: str, status: int, error: str
) -> None:
    answer = await ask(server, {"grant_type": "client_credentials"}, authorization=header)

    assert_refused(answer, status, error)
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="Duro", charset="UTF-8"'


async def test_two_ways_at_once_are_an_invalid_request(
    server: Server, made: NewOAuthClient
) -> None:
    header = basic(made.client.client_id, made.secret)
    other = {"grant_type": "client_credentials", "client_id": new_token("cid_test_")}

    assert_refused(await ask(server, proof(made), authorization=header), 400, "invalid_request")
    assert_refused(await ask(server, other, authorization=header), 400, "invalid_request")


async def test_secrets_and_tokens_are_kept_nowhere_only_their_digests(
    server: Server, database_url: str, made: NewOAuthClient
) -> None:
    token = await token_of(server, made)

    async with connected_as(database_url, "duro_core", search_path="core") as connection:
        clients = await connection.fetch("SELECT c::text AS kept FROM oauth_clients AS c")
        tokens = await connection.fetch("SELECT t::text AS kept FROM oauth_tokens AS t")

    assert (len(clients), len(tokens)) == (1, 1)
    assert made.secret[-32:] not in clients[0]["kept"]
    assert token[-32:] not in tokens[0]["kept"]


async def test_expired_tokens_go_away_as_new_ones_come(
    server: Server, database_url: str, clock: FixedClock, made: NewOAuthClient
) -> None:
    await asyncio.gather(*(token_of(server, made) for _ in range(15)))
    clock.move(timedelta(hours=1))
    left = []
    async with connected_as(database_url, "duro_core", search_path="core") as connection:
        for _ in range(2):
            await token_of(server, made)
            left.append(await connection.fetchval("SELECT count(*) FROM oauth_tokens"))

    assert left == [6, 2]


async def test_the_last_use_of_a_client_is_known(
    server: Server, db: Database, clock: FixedClock, made: NewOAuthClient, tenant: str
) -> None:
    used_at = []
    for seconds in (0, 59, 1):
        clock.move(timedelta(seconds=seconds))
        await token_of(server, made)
        async with db.core() as tx:
            (client,) = await OAuthRepository(tx).list_clients(tenant)
        used_at.append(client.last_used_at)

    start = clock.at - timedelta(minutes=1)
    assert used_at == [start, start, clock.at]


@pytest.mark.parametrize("name", ["", "  ", "x" * 201])
async def test_a_client_without_a_usable_name_is_refused(
    db: Database, tenant: str, name: str
) -> None:
    async with db.core() as tx:
        with pytest.raises(InvalidError):
            await create_client(tx, tenant_id=tenant, mode=Mode.TEST, name=name)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_a_client_nobody_here_wrote_gets_a_token_and_lists_plans(
    server: Server, made: NewOAuthClient, method: str
) -> None:
    token = await token_of(server, made)
    plan = await server.stranger(token).post("/v1/plans", GOLD)

    def list_plans() -> tuple[dict[str, Any], dict[str, Any]]:
        with OAuth2Session(
            made.client.client_id, made.secret, token_endpoint_auth_method=method
        ) as session:
            token = session.fetch_token(f"{server.base}/v1/oauth/token")
            return token, session.get(f"{server.base}/v1/plans").json()

    fetched, listed = await asyncio.to_thread(list_plans)

    assert (fetched["token_type"], fetched["expires_in"]) == ("Bearer", 3600)
    assert [each["id"] for each in listed["items"]] == [plan.id]


async def test_a_client_nobody_here_wrote_understands_a_refusal(
    server: Server, made: NewOAuthClient
) -> None:
    def fetch() -> None:
        with OAuth2Session(made.client.client_id, new_token("csec_test_")) as session:
            session.fetch_token(f"{server.base}/v1/oauth/token")

    with pytest.raises(OAuthError) as refused:
        await asyncio.to_thread(fetch)

    assert refused.value.error == "invalid_client"


async def test_the_endpoint_is_described_with_its_own_types_and_refusals(server: Server) -> None:
    document = (await server.stranger().get("/openapi.json")).json

    entry = document["paths"]["/v1/oauth/token"]["post"]
    assert entry["security"] == []
    assert set(entry["requestBody"]["content"]) == {"application/json", FORM}
    assert set(entry["responses"]) == {"200", "400", "401", "413", "415", "429", "503"}
    refusal = entry["responses"]["400"]["content"]["application/json"]["schema"]
    assert refusal == {"$ref": "#/components/schemas/OAuthErrorOut"}
    assert "`unsupported_grant_type`" in entry["responses"]["400"]["description"]
    assert entry["parameters"] == []
    schemes = document["components"]["securitySchemes"]
    assert schemes["secretKey"]["scheme"] == "bearer"
    flow = schemes["accessToken"]["flows"]["clientCredentials"]
    assert flow["tokenUrl"] == "http://duro.test/v1/oauth/token"
    assert document["security"] == [{"secretKey": []}, {"accessToken": []}]
