"""Holds the signatures against published vectors and against what receivers compute."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from duro.modules.webhooks.signing import new_secret, signed_headers, write_body

# The example of the Standard Webhooks specification and of every library that implements it.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
SENT_AT = datetime.fromtimestamp(1614265330, tz=UTC)
PAYLOAD = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def _headers(*secrets: str, body: bytes = PAYLOAD, wall: datetime = SENT_AT) -> dict[str, str]:
    return signed_headers(
        body, event_id=MESSAGE_ID, event_type="invoice_created", secret_texts=secrets, wall=wall
    )


def test_the_standard_signature_is_that_of_the_published_example() -> None:
    headers = _headers(SECRET)

    assert headers["webhook-id"] == MESSAGE_ID
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == SIGNATURE


def test_duro_signature_is_keyed_with_the_whole_secret_as_text() -> None:
    expected = hmac.new(SECRET.encode(), b"1614265330." + PAYLOAD, hashlib.sha256).hexdigest()

    assert _headers(SECRET)["Duro-Signature"] == f"t=1614265330,v1={expected}"


def test_the_event_is_named_in_its_own_headers() -> None:
    headers = _headers(SECRET)

    assert headers["Duro-Event-Id"] == MESSAGE_ID
    assert headers["Duro-Event-Type"] == "invoice_created"
    assert headers["Content-Type"] == "application/json"


def test_a_rotation_signs_with_both_secrets_the_new_one_first() -> None:
    new, old = new_secret(), SECRET

    headers = _headers(new, old)

    assert headers["webhook-signature"].split(" ") == [
        _headers(new)["webhook-signature"],
        SIGNATURE,
    ]
    only_new = _headers(new)["Duro-Signature"].partition(",")[2]
    only_old = _headers(old)["Duro-Signature"].partition(",")[2]
    assert headers["Duro-Signature"] == f"t=1614265330,{only_new},{only_old}"


def test_a_secret_is_base64_of_enough_random_bytes_behind_its_prefix() -> None:
    secrets = {new_secret() for _ in range(100)}

    assert len(secrets) == 100
    for secret in secrets:
        assert secret.startswith("whsec_")
        assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) >= 24


@given(at=st.integers(0, len(PAYLOAD) - 1), flip=st.integers(1, 255))
def test_a_changed_body_has_another_signature(at: int, flip: int) -> None:
    changed = bytearray(PAYLOAD)
    changed[at] ^= flip

    headers = _headers(SECRET, body=bytes(changed))

    assert headers["webhook-signature"] != SIGNATURE
    assert headers["Duro-Signature"] != _headers(SECRET)["Duro-Signature"]


def test_the_body_names_its_fields_and_writes_the_instant_in_utc() -> None:
    at = datetime(2026, 1, 31, 10, 0, 0, 123999, tzinfo=timezone(timedelta(hours=1)))

    body = write_body(
        event_id="evt_1", event_type="invoice_created", created_at=at, data={"amount": 500000}
    )

    assert body == (
        b'{"id":"evt_1","type":"invoice_created","createdAt":"2026-01-31T09:00:00.123Z",'
        b'"data":{"amount":500000}}'
    )
