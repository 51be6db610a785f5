"""All commands under their names."""

from typing import Annotated

import typer

from duro import __version__
from duro.cli import (
    clock,
    config,
    keys,
    members,
    messages,
    migrate,
    oauth,
    serve,
    tenants,
    webhooks,
)
from duro.cli.doctor import doctor
from duro.cli.events import trigger
from duro.cli.frame import group, with_example
from duro.cli.listen import listen
from duro.cli.resources import ResourceGroup
from duro.cli.simulate import simulate

app = typer.Typer(
    cls=ResourceGroup,
    epilog="duro dev --data-dir .duro",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Recovery-first subscription billing.",
)


@app.callback()
def _options(
    *,
    version: Annotated[bool, typer.Option("--version", help="Say which version this is.")] = False,
) -> None:
    if version:
        typer.echo(f"duro {__version__}")
        raise typer.Exit


@with_example(app, "version", "duro version")
def _version() -> None:
    """Say which version this is."""
    typer.echo(f"duro {__version__}")


with_example(app, "dev", "duro dev --data-dir .duro")(serve.dev)
with_example(app, "serve", "duro serve --role=public --role=worker")(serve.serve)
with_example(app, "doctor", "duro doctor")(doctor)
with_example(app, "simulate", "duro simulate --a fixed --b learnt --seed 7")(simulate)
with_example(app, "listen", "duro listen --forward-to localhost:4000/hooks")(listen)
with_example(app, "trigger", "duro trigger subscription_recovered")(trigger)
group(app, messages.app, "messages")
group(app, migrate.app, "migrate")
group(app, config.app, "config")
group(app, tenants.app, "tenants")
group(app, members.app, "members")
group(app, keys.app, "keys")
group(app, oauth.app, "oauth")
group(app, webhooks.app, "webhooks")
group(app, clock.app, "clock")
