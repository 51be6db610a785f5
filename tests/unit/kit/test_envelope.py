"""Holds sealed secrets to their key, their context and their bytes."""

import base64
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duro.kit.envelope import Envelope, SealBrokenError, read_master_key

OLD = bytes(range(32))
NEW = bytes(range(100, 132))


@given(secret=st.binary(max_size=300), context=st.text())
def test_what_is_sealed_opens_in_its_context(secret: bytes, context: str) -> None:
    envelope = Envelope([OLD])

    assert envelope.open(envelope.seal(secret, context), context) == secret


def test_the_same_secret_is_never_sealed_to_the_same_bytes() -> None:
    envelope = Envelope([OLD])

    assert len({envelope.seal(b"secret", "here") for _ in range(50)}) == 50


def test_a_secret_moved_to_another_context_does_not_open() -> None:
    envelope = Envelope([OLD])

    with pytest.raises(SealBrokenError):
        envelope.open(envelope.seal(b"secret", "tenant a"), "tenant b")


def test_any_changed_or_missing_byte_is_noticed() -> None:
    envelope = Envelope([OLD])
    sealed = envelope.seal(b"secret", "here")

    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        for broken in (bytes(changed), sealed[:at]):
            with pytest.raises(SealBrokenError):
                envelope.open(broken, "here")


def test_after_a_rotation_the_old_key_still_opens_and_the_new_one_seals() -> None:
    kept = Envelope([OLD]).seal(b"secret", "here")
    rotated = Envelope([NEW, OLD])

    assert rotated.open(kept, "here") == b"secret"
    assert Envelope([NEW]).open(rotated.seal(b"secret", "here"), "here") == b"secret"


def test_a_key_that_is_gone_opens_nothing() -> None:
    sealed = Envelope([OLD]).seal(b"secret", "here")

    with pytest.raises(SealBrokenError):
        Envelope([NEW]).open(sealed, "here")


def test_a_master_key_is_32_bytes_in_base64() -> None:
    key = secrets.token_bytes(32)

    assert read_master_key(base64.b64encode(key).decode() + "\n") == key


@pytest.mark.parametrize("text", ["", "short", "AAAA", base64.b64encode(bytes(31)).decode(), "#"])
def test_anything_else_is_no_master_key(text: str) -> None:
    with pytest.raises(ValueError, match="master key"):
        read_master_key(text)


@pytest.mark.parametrize("keys", [[], [b"short"], [OLD, b"short"]])
def test_an_envelope_needs_whole_keys(keys: list[bytes]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Envelope(keys)
