"""Holds the commands around webhooks: what they do, say and answer, on a running installation."""

import json
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from duro.kit.db import Database
from duro.kit.modes import Mode
from duro.modules.access.service import create_key
from duro.modules.events.model import EventType
from tests.support.process import Duro, duro, served, serving
from tests.support.receiver import Receiver, until
from tests.support.webhooks import Merchant, verifies


@dataclass
class Shell:
    """Runs commands against the installation of the test."""

    env: dict[str, str]

    async def run(self, *words: str) -> tuple[int, str, str]:
        async with duro(*words, env=self.env) as command:
            code = await command.end()
        return code, "".join(command.printed), "".join(command.said)

    async def answer(self, *words: str) -> Any:  # noqa: ANN401 - whatever JSON the command prints
        code, printed, said = await self.run(*words, "--json")
        assert code == 0, said
        return json.loads(printed)


@pytest.fixture
async def shell(database_url: str, redis_url: str, tenant: str) -> AsyncIterator[Shell]:
    """One tenant, and a worker that delivers."""
    assert tenant
    env = serving(database_url, redis_url)
    async with served("worker", env=env):
        yield Shell(env)


async def test_a_triggered_event_arrives_and_is_resent_and_replayed_under_its_id(
    shell: Shell, receiver: Receiver, merchant: Merchant
) -> None:
    made = await shell.answer("webhooks", "add", receiver.url)

    written = await shell.answer("trigger", "subscription_recovered")
    await until(lambda: len(receiver.received) == 1)
    resent = await shell.answer("events", "resend", written["id"])
    await until(lambda: len(receiver.received) == 2)
    (delivery,) = await merchant.deliveries(written["id"])
    code, _, said = await shell.run("webhooks", "replay", delivery.id)
    await until(lambda: len(receiver.received) == 3)

    assert resent == [{"eventId": written["id"], "endpointId": made["id"]}]
    assert (code, said) == (0, "1 on the way.\n")
    assert receiver.event_ids == [written["id"]] * 3
    assert all(verifies(made["secret"], got) for got in receiver.received)
    assert receiver.received[0].json["data"]["subscription"]["status"] == "active"
    shown = await shell.answer("events", "get", written["id"])
    assert [each["status"] for each in shown["deliveries"][0]["attemptLog"]][:2] == [200, 200]


async def test_a_disabled_endpoint_is_shown_and_gets_what_it_missed_by_a_range(
    shell: Shell, receiver: Receiver
) -> None:
    made = await shell.answer("webhooks", "add", receiver.url)
    assert (await shell.run("webhooks", "disable", made["id"]))[0] == 0
    (listed,) = await shell.answer("webhooks", "list")
    missed = await shell.answer("trigger", "invoice_created")
    refused = await shell.run("webhooks", "replay", made["id"], "--since", "2026-01-01")

    assert (await shell.run("webhooks", "enable", made["id"]))[0] == 0
    replayed = await shell.run("webhooks", "replay", made["id"], "--since", "2026-01-01")
    await until(lambda: len(receiver.received) == 1)

    assert listed["reason"] == "asked"
    assert refused[0] == 4
    assert "enable it first" in refused[2]
    assert (replayed[0], replayed[2]) == (0, "1 on the way.\n")
    assert receiver.event_ids == [missed["id"]]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["trigger", "subscription_exploded"], 2),
        (["listen", "--forward-to", "ftp://127.0.0.1/"], 2),
        (["listen", "--forward-to", "localhost:4000", "--events", "nonsense"], 2),
        (["listen", "--forward-to", "localhost:4000", "--api-url", "http://127.0.0.1:1"], 2),
        (["webhooks", "replay", "whe_x"], 2),
        (["webhooks", "replay", "whd_x", "--since", "2026-01-01"], 2),
        (["webhooks", "replay", "whd_x"], 4),
        (["webhooks", "enable", "whe_x"], 4),
        (["events", "resend", "evt_x"], 4),
    ],
)
async def test_wrong_use_and_refusals_have_their_exit_codes(
    database_url: str, redis_url: str, tenant: str, words: list[str], code: int
) -> None:
    assert tenant
    found, printed, said = await Shell(serving(database_url, redis_url)).run(*words)

    assert (found, printed) == (code, "")
    assert said


@pytest.mark.parametrize(
    "words", [["listen"], ["trigger"], ["events", "resend"], ["events"], ["webhooks", "replay"]]
)
async def test_help_begins_with_an_example(words: list[str]) -> None:
    code, printed, _ = await Shell({}).run(*words, "--help")

    assert code == 0
    assert printed.startswith(f"Example: duro {' '.join(words)}")


async def _said(command: Duro, count: int) -> list[dict[str, Any]]:
    await until(lambda: len(command.printed) >= count, patience_s=30)
    return [json.loads(line) for line in command.printed[:count]]


async def test_listen_forwards_new_events_signed_and_says_what_came_of_them(
    database_url: str, redis_url: str, merchant: Merchant, receiver: Receiver
) -> None:
    await merchant.happen(EventType.INVOICE_CREATED)
    env = serving(database_url, redis_url)
    words = ("listen", "--forward-to", receiver.url, "--json")
    async with duro(*words, env=env) as command:
        (ready,) = await _said(command, 1)
        (first,) = await merchant.happen(EventType.SUBSCRIPTION_CREATED, data={"name": "Bọ́lá ₦"})
        await _said(command, 2)
        receiver.status = 500
        second, third = await merchant.happen(
            EventType.SUBSCRIPTION_UPDATED, EventType.SUBSCRIPTION_PAUSED
        )
        _, *lines = await _said(command, 4)
        command.process.send_signal(signal.SIGINT)
        code = await command.end()
    async with duro(*words, env=env) as again:
        (ready_again,) = await _said(again, 1)

    assert code == 0
    assert receiver.event_ids == [first, second, third]
    assert all(verifies(ready["secret"], got) for got in receiver.received)
    assert ready_again == ready == {"forwardTo": receiver.url, "secret": ready["secret"]}
    assert [(line["id"], line["status"]) for line in lines] == [
        (first, 200),
        (second, 500),
        (third, 500),
    ]
    assert receiver.received[0].json["data"] == {"name": "Bọ́lá ₦"}


async def test_listen_follows_by_key_and_comes_back_when_the_api_does(
    database_url: str, redis_url: str, db: Database, merchant: Merchant, receiver: Receiver
) -> None:
    async with db.core() as tx:
        key = await create_key(tx, tenant_id=merchant.tenant_id, mode=Mode.TEST)
    env = serving(database_url, redis_url)
    async with served("public", env=env) as first:
        url = first.ready["public_url"]
        port = url.rpartition(":")[2]
        words = ("listen", "--forward-to", receiver.url, "--api-url", url, "--json")
        remote = {name: text for name, text in env.items() if not name.startswith("DURO_")}
        listening = duro(*words, env=remote | {"DURO_API_KEY": key.token})
        async with listening as command:
            await _said(command, 1)
            first.process.terminate()
            await first.end()
            await until(lambda: any("does not answer" in line for line in command.said))
            (meanwhile,) = await merchant.happen(EventType.SUBSCRIPTION_CREATED)
            async with served("public", env=env | {"DURO_PUBLIC__PORT": port}):
                await until(lambda: receiver.event_ids == [meanwhile], patience_s=30)


async def test_listen_with_a_refused_key_ends_with_4(
    database_url: str, redis_url: str, receiver: Receiver
) -> None:
    env = serving(database_url, redis_url)
    async with served("public", env=env) as process:
        url = process.ready["public_url"]
        shell = Shell(env | {"DURO_API_KEY": "sk_test_" + "x" * 32})
        code, printed, said = await shell.run(
            "listen", "--forward-to", receiver.url, "--api-url", url
        )

    assert (code, printed) == (4, "")
    assert "refuses the key" in said
