"""What all commands share: help that begins with an example, exit codes, and the common options."""

import sys
from collections.abc import Callable, Coroutine
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup
from typing_extensions import override

from duro.kit.modes import Mode

if TYPE_CHECKING:
    from duro.errors import DuroError

T = TypeVar("T")
C = TypeVar("C", bound=Callable[..., Any])


class Exit(IntEnum):
    """What the exit code tells a script."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_REACHABLE = 3
    REFUSED = 4


class ExampleCommand(TyperCommand):
    """Its help begins with its example, which stands in the epilog."""

    @override
    def get_help(self, ctx: Any) -> str:
        return _example_first(self.epilog, super().get_help(ctx))

    @override
    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Shown first instead."""


class ExampleGroup(TyperGroup):
    """The same for a group of commands."""

    @override
    def get_help(self, ctx: Any) -> str:
        return _example_first(self.epilog, super().get_help(ctx))

    @override
    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Shown first instead."""


def _example_first(example: str | None, text: str) -> str:
    return f"Example: {example}\n\n{text}" if example else text


def new_group(*, example: str, text: str) -> typer.Typer:
    return typer.Typer(
        cls=ExampleGroup,
        epilog=example,
        help=text,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )


def group(app: typer.Typer, below: typer.Typer, name: str) -> None:
    app.add_typer(below, name=name)


def with_example(app: typer.Typer, name: str, example: str) -> Callable[[C], C]:
    """Registers a command whose help begins with `example`."""

    def register(function: C) -> C:
        app.command(name, cls=ExampleCommand, epilog=example)(function)
        return function

    return register


DataDir: TypeAlias = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Of a running `duro dev`.", show_default=False),
]
TenantOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--tenant", help="Its id; default: the only one.", show_default=False),
]
ModeOption: TypeAlias = Annotated[Mode, typer.Option("--mode", help="Whose data.")]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="For scripts.")]


def say(message: str) -> None:
    """To a person: stderr, so that data on stdout stays clean."""
    typer.echo(message, err=True)


def finish(code: Exit, message: str) -> typer.Exit:
    say(message)
    return typer.Exit(code)


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Runs `main` in a loop; an expected refusal becomes one line and its exit code."""
    from duro.errors import DuroError, UnavailableError
    from duro.kit.migrations import MigrationError
    from duro.runtime.engines import EngineError
    from duro.runtime.errors import NotRunningError, StartError
    from duro.runtime.serve import run_loop
    from duro.settings import SettingsError

    try:
        return run_loop(main())
    except SettingsError as error:
        raise finish(Exit.USAGE, str(error)) from error
    except (NotRunningError, UnavailableError) as error:
        raise finish(Exit.NOT_REACHABLE, str(error)) from error
    except (StartError, MigrationError, EngineError) as error:
        raise finish(Exit.FAILED, str(error)) from error
    except DuroError as error:
        raise finish(Exit.REFUSED, _refusal(error)) from error
    except BrokenPipeError:
        # The reader of our output has gone; nothing is left to say to anybody.
        sys.stderr.close()
        raise typer.Exit(Exit.FAILED) from None


def _refusal(error: "DuroError") -> str:
    details = [f"  {detail.path}: {detail.issue}" for detail in error.details]
    return "\n".join([error.message, *details])
