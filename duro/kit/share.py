"""Where the files that are not Python are: beside `duro/` in a checkout, below it in a wheel."""

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent.parent


def share(name: str) -> Path:
    """The folder `sql`, `templates` or `docs`."""
    packed = _PACKAGE / "_share" / name
    return packed if packed.is_dir() else _PACKAGE.parent / name
