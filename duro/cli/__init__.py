"""The `duro` command: parses, calls the runtime, prints. Commands import what they need when they run."""

import sys

from duro import __version__


def main() -> None:
    """Answers the version without loading anything, because scripts ask for it often."""
    if sys.argv[1:] in (["--version"], ["version"], ["-V"]):
        sys.stdout.write(f"duro {__version__}\n")
        return
    from duro.cli.app import app

    app(prog_name="duro")
