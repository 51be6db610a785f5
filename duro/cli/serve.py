"""`duro serve` and `duro dev`."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from duro.cli.frame import run, say

if TYPE_CHECKING:
    from duro.runtime.dev import Ready
    from duro.settings import Loaded


class RoleChoice(StrEnum):
    """What a process serves."""

    PUBLIC = "public"
    CORE = "core"
    WORKER = "worker"


def serve(
    role: Annotated[
        list[RoleChoice] | None,
        typer.Option("--role", help="Repeatable; default: all.", show_default=False),
    ] = None,
    public_port: Annotated[int | None, typer.Option(min=0, max=65535, show_default=False)] = None,
    core_port: Annotated[int | None, typer.Option(min=0, max=65535, show_default=False)] = None,
    health_port: Annotated[int | None, typer.Option(min=0, max=65535, show_default=False)] = None,
) -> None:
    """Serve the chosen roles until SIGTERM or Ctrl-C."""
    from duro.runtime.serve import ALL_ROLES, Role
    from duro.runtime.serve import serve as serve_roles
    from duro.settings import load_settings

    async def main() -> None:
        loaded = load_settings(
            flags={
                "public.port": public_port,
                "core.port": core_port,
                "health.port": health_port,
            }
        )
        _log(loaded)
        roles = {Role(choice.value) for choice in role} if role else ALL_ROLES
        await serve_roles(loaded.settings, roles=roles)

    run(main)


def dev(
    *,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where everything is kept [.duro].", show_default=False)
    ] = None,
    public_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="0: any [8080].", show_default=False)
    ] = None,
    core_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="0: any [8081].", show_default=False)
    ] = None,
    health_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="0: any [8082].", show_default=False)
    ] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="Remove what an earlier start has kept.")
    ] = False,
    no_demo: Annotated[bool, typer.Option("--no-demo", help="Without the demo merchant.")] = False,
    ready_file: Annotated[
        Path | None,
        typer.Option(
            help="JSON, there while Duro is ready; removed at the end.", show_default=False
        ),
    ] = None,
) -> None:
    """Run everything on this machine, to try it and to develop against it; Ctrl-C stops it."""
    from duro.runtime.dev import DevOptions
    from duro.runtime.dev import dev as develop
    from duro.settings import load_settings

    options = DevOptions(
        data_dir=data_dir,
        public_port=public_port,
        core_port=core_port,
        health_port=health_port,
        is_reset=reset,
        has_demo=not no_demo,
        ready_file=ready_file,
    )

    async def main() -> None:
        _log(load_settings(), level="warning")
        await develop(options, announce=_announce, say=say)

    run(main)


def _log(loaded: "Loaded", *, level: str | None = None) -> None:
    """`level` holds where the settings leave it open."""
    from duro.kit.logs import configure_logs

    chosen = loaded.settings.log
    is_open = "log.level" not in loaded.sources
    configure_logs(style=chosen.format, level=level if level and is_open else chosen.level)


def _announce(ready: "Ready") -> None:
    kept, process = ready.identity, ready.process
    steps = {
        "data directory": str(ready.data_dir),
        "documentation": f"{process.public_url}/docs",
        "dashboard": f"{ready.login_url}  (signs in once)",
        "secret key": kept.secret_key,
        "publishable key": kept.publishable_key,
        "pay page": "the payUrl of an open invoice, with test cards",
        "inbox": ready.inbox_url,
        "health": f"{process.health_url}/readyz",
    }
    lines = [f"Duro is ready ({ready.took_s:.1f} s).", ""]
    lines += [f"  {name:<16} {value}" for name, value in steps.items()]
    lines += [
        "",
        "  Make a plan:",
        f"  curl -sS {process.public_url}/v1/plans -H 'Authorization: Bearer {kept.secret_key}' \\",
        "    -H 'Content-Type: application/json' \\",
        """    -d '{"name": "Monthly", "amount": 500000, "currency": "NGN", "interval": "month"}'""",
        "",
        *_boxed("Not for production: plain keys on disk, test mode, one machine. Ctrl-C stops it."),
    ]
    typer.echo("\n".join(lines))


def _boxed(text: str) -> list[str]:
    line = "─" * (len(text) + 2)
    return [f"┌{line}┐", f"│ {text} │", f"└{line}┘"]
