"""Which folders may hold sockets: the kernel bounds the path, and the clients read some characters."""

from pathlib import Path

import pytest

from duro.runtime.engines.datadir import SOCKET_PATH_BYTES_MAX, fits_sockets

LONGEST_FOLDER = SOCKET_PATH_BYTES_MAX - len("/.s.PGSQL.5432")


def folder_of(length: int) -> Path:
    return Path("/" + "d" * (length - 1))


def test_path_that_just_fits_is_used() -> None:
    assert fits_sockets(folder_of(LONGEST_FOLDER))


def test_path_one_byte_too_long_is_not_used() -> None:
    assert not fits_sockets(folder_of(LONGEST_FOLDER + 1))


def test_length_counts_bytes_and_not_characters() -> None:
    assert not fits_sockets(Path("/" + "ẹ" * (LONGEST_FOLDER // 2)))


@pytest.mark.parametrize("character", [",", '"', "@", "\\"])
def test_character_with_a_meaning_in_connection_addresses_is_not_used(character: str) -> None:
    assert not fits_sockets(Path(f"/data{character}here"))


@pytest.mark.parametrize("character", [" ", "%", "&", "?", "#", "'", "é"])
def test_character_that_can_be_escaped_is_used(character: str) -> None:
    assert fits_sockets(Path(f"/data{character}here"))
