"""Private JSON files."""

import stat
from pathlib import Path

import pytest

from duro.runtime.files import read_json, write_private_json


def test_file_is_private_whole_and_alone(tmp_path: Path) -> None:
    path = tmp_path / "below" / "ready.json"

    write_private_json(path, {"a": 1})
    write_private_json(path, {"a": 2})

    assert read_json(path) == {"a": 2}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_draft_is_removed_when_the_values_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_private_json(tmp_path / "x.json", {"a": object()})

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_what_is_no_object_reads_as_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)

    assert read_json(path) is None
    assert read_json(tmp_path / "absent.json") is None
