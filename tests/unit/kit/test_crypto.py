"""Tokens carry enough randomness and a checksum that catches typing errors."""

from hypothesis import given
from hypothesis import strategies as st

from duro.kit.crypto import derived_token, is_token, new_token, sha256

PREFIX = "sk_test_"
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
TOKEN = new_token(PREFIX)


def test_a_token_has_its_prefix_26_random_characters_and_6_of_checksum() -> None:
    assert is_token(TOKEN, PREFIX)
    assert TOKEN.startswith(PREFIX)
    assert len(TOKEN) == len(PREFIX) + 32
    # 62 ** 26 is above 2 ** 128.
    assert set(TOKEN[len(PREFIX) :]) <= set(ALPHABET)


def test_no_two_tokens_are_equal() -> None:
    assert len({new_token(PREFIX) for _ in range(1000)}) == 1000


@given(place=st.integers(len(PREFIX), len(TOKEN) - 1), put=st.sampled_from(ALPHABET))
def test_one_wrong_character_is_noticed(place: int, put: str) -> None:
    typed = TOKEN[:place] + put + TOKEN[place + 1 :]

    assert is_token(typed, PREFIX) == (typed == TOKEN)


@given(place=st.integers(len(PREFIX), len(TOKEN) - 2))
def test_two_swapped_characters_are_noticed(place: int) -> None:
    typed = TOKEN[:place] + TOKEN[place + 1] + TOKEN[place] + TOKEN[place + 2 :]

    assert is_token(typed, PREFIX) == (typed == TOKEN)


def test_the_prefix_is_under_the_checksum() -> None:
    assert not is_token("sk_live_" + TOKEN[len(PREFIX) :], "sk_live_")
    assert not is_token(TOKEN, "pk_test_")


@given(st.text())
def test_no_text_breaks_the_check(text: str) -> None:
    assert not is_token(text, PREFIX)
    assert not is_token(PREFIX + text, PREFIX)


def test_a_derived_token_is_that_of_its_key_prefix_and_subject_alone() -> None:
    made = derived_token(PREFIX, key=b"k", subject="chk_1")

    assert is_token(made, PREFIX)
    assert derived_token(PREFIX, key=b"k", subject="chk_1") == made
    others = [
        derived_token(PREFIX, key=b"other", subject="chk_1"),
        derived_token(PREFIX, key=b"k", subject="chk_2"),
        derived_token("sk_live_", key=b"k", subject="chk_1"),
    ]
    bodies = {token[len(PREFIX) : -6] for token in (made, *others)}
    assert len(bodies) == 4


def test_a_token_is_kept_as_sha_256() -> None:
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    assert sha256("abc").hex() == expected
