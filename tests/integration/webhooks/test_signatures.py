"""Holds signatures to two libraries and a verifier written by hand: all of ours verify, and nothing else does."""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import shutil
from asyncio.subprocess import PIPE
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Final

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from duro.kit.clock import SystemClock
from duro.modules.webhooks.signing import new_secret, signed_headers, write_body
from tests.support.faults import seeds

MUTATIONS: Final = 100_000
_TOLERANCE_S: Final = 300
_ROOT: Final = Path(__file__).resolve().parents[3]
# Where the npm package is: its folder `node_modules` is looked for in the checkout, and here.
_NODE: Final = "DURO_TEST_NODE"


@dataclass(frozen=True)
class Message:
    """What a receiver has to judge."""

    secret: str
    headers: dict[str, str]
    body: bytes

    def by_library(self) -> bool:
        try:
            Webhook(self.secret).verify(self.body, self.headers)
        except (WebhookVerificationError, ValueError):
            return False
        return True

    def by_hand(self) -> bool:
        """As one who has read how another provider signs: `t=…,v1=…`, keyed with the secret as text."""
        parts = [part.partition("=") for part in self.headers["Duro-Signature"].split(",")]
        stamps = [value for name, _, value in parts if name == "t"]
        if len(stamps) != 1 or not stamps[0].isascii() or not stamps[0].isdecimal():
            return False
        if abs(SystemClock().wall().timestamp() - int(stamps[0])) > _TOLERANCE_S:
            return False
        signed = stamps[0].encode() + b"." + self.body
        expected = hmac.new(self.secret.encode(), signed, hashlib.sha256).hexdigest()
        given = [value for name, _, value in parts if name == "v1"]
        return any(hmac.compare_digest(each.encode(), expected.encode()) for each in given)


def signed(random: Random, *, old: bool = False, age: timedelta = timedelta(0)) -> Message:
    """A message as Duro sends it; with `old` it is the old secret of a rotation that the receiver knows."""
    secrets = [new_secret(), new_secret()] if old else [new_secret()]
    wall = SystemClock().wall()
    event_id = f"evt_{random.getrandbits(120):030d}"[:30]
    data = {"amount": random.randrange(10**9), "note": "₦5,000 – paid"}
    body = write_body(
        event_id=event_id, event_type="subscription_recovered", created_at=wall, data=data
    )
    headers = signed_headers(
        body,
        event_id=event_id,
        event_type="subscription_recovered",
        secret_texts=secrets,
        wall=wall - age,
    )
    return Message(secrets[-1], headers, body)


def test_what_duro_signs_verifies_by_library_and_by_hand() -> None:
    random = Random(1)
    messages = [signed(random, old=number % 2 == 1) for number in range(1_000)]

    assert all(message.by_library() and message.by_hand() for message in messages)


def test_what_is_older_than_five_minutes_verifies_nowhere() -> None:
    message = signed(Random(1), age=timedelta(seconds=_TOLERANCE_S + 5))

    assert not message.by_library()
    assert not message.by_hand()


@pytest.mark.parametrize("seed", seeds(short=1, long=3))
def test_no_mutated_message_verifies(seed: int) -> None:
    random = Random(seed)
    taken: list[tuple[str, Message]] = []
    message = other = signed(random)
    for number in range(MUTATIONS):
        if number % 500 == 0:
            message = signed(random, old=number % 1000 == 0)
            other = signed(random)
        family = ("library", "hand")[number % 2]
        mutated = _mutated(message, other, random, family)
        if mutated.by_library() if family == "library" else mutated.by_hand():
            taken.append((family, mutated))

    assert taken == []


def _mutated(message: Message, other: Message, random: Random, family: str) -> Message:
    """Changed in one place that its signature covers, or in the signature or the secret itself."""
    names = {
        "library": ("webhook-id", "webhook-timestamp", "webhook-signature"),
        "hand": ("Duro-Signature",),
    }[family]
    match random.randrange(5):
        case 0:
            return replace(message, body=_flip(message.body, random))
        case 1:
            return replace(message, body=other.body)
        case 2:
            return replace(message, secret=other.secret)
        case 3:
            # Another message's signature, under this one's id and time.
            return replace(
                message, headers=message.headers | {names[-1]: _swapped(message, other, names[-1])}
            )
        case _:
            name = random.choice(names)
            return replace(
                message, headers=message.headers | {name: _spoiled(message, name, random)}
            )


def _flip(body: bytes, random: Random) -> bytes:
    at = random.randrange(len(body))
    match random.randrange(3):
        case 0:
            return body[:at] + bytes([body[at] ^ (1 << random.randrange(8))]) + body[at + 1 :]
        case 1:
            return body[:at] + body[at + 1 :]
        case _:
            return body[:at] + b" " + body[at:]


def _swapped(message: Message, other: Message, name: str) -> str:
    if name == "webhook-signature":
        return other.headers[name]
    stamp = message.headers[name].partition(",")[0]
    return f"{stamp},{other.headers[name].partition(',')[2]}"


def _spoiled(message: Message, name: str, random: Random) -> str:
    text = message.headers[name]
    if name == "webhook-id":
        return text[:-1] + ("x" if text[-1] != "x" else "y")
    if name == "webhook-timestamp":
        return str(int(text) + random.choice((-1, 1)) * random.randrange(1, 200))
    if name == "Duro-Signature" and random.random() < 0.5:
        stamp, _, rest = text.partition(",")
        return f"t={int(stamp[2:]) + random.choice((-1, 1)) * random.randrange(1, 200)},{rest}"
    # Every signature of the header loses a character, or all of them are of an unknown version.
    joint = " " if name == "webhook-signature" else ","
    parts = text.split(joint)
    spoiled = [part if part.startswith("t=") else _cut(part, random) for part in parts]
    return joint.join(spoiled)


def _cut(signature: str, random: Random) -> str:
    if random.random() < 0.3:
        return signature.replace("v1", "v0", 1)
    at = random.randrange(4, len(signature) - 4)
    return signature[:at] + signature[at + 1 :]


async def test_the_npm_package_takes_what_duro_signs_and_nothing_else() -> None:
    place = next(
        (
            each
            for each in (_ROOT, Path(os.environ.get(_NODE, "/nowhere")))
            if (each / "node_modules" / "standardwebhooks").is_dir()
        ),
        None,
    )
    if shutil.which("node") is None or place is None:
        pytest.skip(
            f"needs node, and `npm install standardwebhooks` in the folder that {_NODE} names"
        )
    random = Random(1)
    genuine = [signed(random, old=number % 2 == 1) for number in range(500)]
    forged = [
        _mutated(each, signed(random), random, "library") for each in genuine for _ in range(4)
    ]
    lines = [
        {
            "secret": each.secret,
            "headers": each.headers,
            "body": base64.b64encode(each.body).decode(),
        }
        for each in (*genuine, *forged)
    ]

    script = _ROOT / "tests" / "support" / "receiving.mjs"
    process = await asyncio.create_subprocess_exec("node", script, place, stdin=PIPE, stdout=PIPE)
    said, _ = await process.communicate("\n".join(map(json.dumps, lines)).encode())

    assert said.decode().split() == ["true"] * len(genuine) + ["false"] * len(forged)
