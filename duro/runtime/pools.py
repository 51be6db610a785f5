"""Opens what holds state: PostgreSQL, migrated, and Redis."""

from pydantic import SecretStr

from duro.kit.bells import Doorbell
from duro.kit.clock import Clock
from duro.kit.db import Database
from duro.kit.migrations import MigrationError, status
from duro.kit.sql import queries
from duro.runtime.errors import StartError


async def open_database(url: str, *, clock: Clock, doorbell: Doorbell | None = None) -> Database:
    """The pools of this process; they connect when they are first used."""
    return await Database.open(
        url,
        clock=clock,
        business_now=queries("testclock")["read_business_now"],
        doorbell=doorbell,
    )


def needed(url: SecretStr | None, key: str) -> str:
    """The address, or what to do about its absence."""
    if url is None:
        raise StartError(
            f"{key} is not set: put it into duro.toml or the environment. "
            "To try Duro without servers of your own, run `duro dev`."
        )
    return url.get_secret_value()


async def demand_migrated(url: str) -> None:
    """Refuses a database that this version's code cannot run on."""
    try:
        found = await status(url)
    except MigrationError as error:
        raise StartError(str(error)) from error
    altered = [entry for entry in found if entry.is_altered]
    if altered:
        raise StartError(
            f"Migration {altered[0].scope} {altered[0].number:04} was applied with another text "
            "than this version has: `duro migrate verify` says more."
        )
    # `post` migrations follow the new code, so they may be pending.
    pending = [entry for entry in found if entry.phase == "pre" and entry.applied_at is None]
    if pending:
        raise StartError(
            f"The database is {len(pending)} migration(s) behind this version: run "
            "`duro migrate up` first (`duro migrate status` lists them)."
        )
