"""Holds signatures to two libraries and a verifier written by hand: all of ours verify, and nothing else does."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Final

import pytest

from duro.kit.clock import SystemClock
from duro.modules.webhooks.signing import new_secret, signed_headers, write_body
from tests.support.faults import IS_LONG, seeds
from tests.support.verifiers import Message, npm_verifier

MUTATIONS: Final = 100_000
MUTATIONS_BY_NPM: Final = MUTATIONS if IS_LONG else 5_000
_BATCH: Final = 500
_TOLERANCE_S: Final = 300


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
def test_no_mutated_message_verifies(seed: int, say: Callable[[str], None]) -> None:
    random = Random(seed)
    taken: list[Message] = []
    message = other = signed(random)
    for number in range(MUTATIONS):
        if number % 500 == 0:
            message = signed(random, old=number % 1000 == 0)
            other = signed(random)
        family = ("library", "hand")[number % 2]
        mutated = _mutated(message, other, random, family)
        # A header is covered by the signatures of its family, the body and the secret by those of both.
        is_common = mutated.headers == message.headers
        if (family == "library" or is_common) and mutated.by_library():
            taken.append(mutated)
        if (family == "hand" or is_common) and mutated.by_hand():
            taken.append(mutated)

    assert taken == []
    say(f"signatures, seed {seed}: 0 of {MUTATIONS:,} mutated messages verify in Python")


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
                message, headers={**message.headers, names[-1]: _swapped(message, other, names[-1])}
            )
        case _:
            name = random.choice(names)
            return replace(
                message, headers={**message.headers, name: _spoiled(message, name, random)}
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


async def test_the_npm_package_takes_what_duro_signs_and_nothing_else(
    say: Callable[[str], None],
) -> None:
    random = Random(1)
    genuine = [signed(random, old=number % 2 == 1) for number in range(500)]
    async with npm_verifier() as npm:
        assert await npm.judge(genuine) == [True] * len(genuine)
        for _ in range(MUTATIONS_BY_NPM // _BATCH):
            other = signed(random)
            forged = [
                _mutated(random.choice(genuine), other, random, "library") for _ in range(_BATCH)
            ]
            assert await npm.judge(forged) == [False] * _BATCH

    say(f"signatures: 0 of {MUTATIONS_BY_NPM:,} mutated messages verify by the npm package")
