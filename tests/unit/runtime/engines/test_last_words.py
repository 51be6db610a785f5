"""What a person is told about the last words of an engine."""

from pathlib import Path

import pytest

from duro.runtime.engines.errors import EngineError, engine_failed, explained

DATA = Path("/data")


def told(said: str) -> str:
    return str(
        engine_failed(
            engine="PostgreSQL", said=said, data_dir=DATA, log_file=DATA / "log" / "postgres.log"
        )
    )


def test_full_disk_is_named_with_a_way_out() -> None:
    message = told('PANIC:  could not write to file "pg_wal/xlogtemp.7": No space left on device')

    assert message.startswith("The disk that holds /data is full")
    assert "--data-dir" in message


def test_small_shared_memory_is_not_mistaken_for_a_full_disk() -> None:
    message = told(
        'FATAL:  could not resize shared memory segment "/PostgreSQL.1" to 1048576 bytes: '
        "No space left on device"
    )

    assert "--shm-size" in message


def test_unknown_words_are_quoted_with_the_log_that_holds_the_rest() -> None:
    message = told("FATAL:  something nobody foresaw")

    assert "something nobody foresaw" in message
    assert "/data/log/postgres.log" in message


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (PermissionError(13, "Permission denied", "/data/x"), "/data/x cannot be written"),
        (OSError(30, "Read-only file system", "/data"), "/data cannot be written"),
        (OSError(28, "No space left on device"), "The disk that holds /data is full"),
        (NotADirectoryError(20, "Not a directory", "/data/x"), "/data/x is not a folder"),
    ],
)
def test_refusal_of_the_file_system_says_what_to_do(error: OSError, expected: str) -> None:
    with pytest.raises(EngineError) as refused, explained(DATA):
        raise error

    assert str(refused.value).startswith(expected)
    assert "--data-dir" in str(refused.value)
