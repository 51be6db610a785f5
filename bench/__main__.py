"""`python -m bench [name …] [--full]`: runs the benchmarks and prints one table."""

import argparse
import os
import platform
from collections.abc import Awaitable, Mapping, Sequence
from typing import Final, Protocol

from bench import api, clock, fuzz, recovery, renewals, scan, webhooks
from bench.ground import Ground, started
from bench.table import Line, render
from duro.kit.clock import SystemClock, monotonic_s
from duro.runtime.serve import run_loop


class _Bench(Protocol):
    def __call__(self, ground: Ground, *, is_full: bool) -> Awaitable[list[Line]]: ...


_BENCHES: Final[Mapping[str, _Bench]] = {
    "renewals": renewals.run,
    "clock": clock.run,
    "scan": scan.run,
    "api": api.run,
    "fuzz": fuzz.run,
    "recovery": recovery.run,
    "webhooks": webhooks.run,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("name", nargs="*", choices=[*_BENCHES, []], help="default: all")
    parser.add_argument("--full", action="store_true", help="the real sizes; takes minutes")
    chosen = parser.parse_args()
    lines = run_loop(_run(chosen.name or list(_BENCHES), is_full=chosen.full))
    print(f"\n{_machine()}\n\n{render(lines)}")


async def _run(names: Sequence[str], *, is_full: bool) -> list[Line]:
    lines: list[Line] = []
    for name in names:
        began_s = monotonic_s()
        print(f"{name} …", flush=True)
        async with started() as ground:
            lines += await _BENCHES[name](ground, is_full=is_full)
        print(f"{name}: {monotonic_s() - began_s:.0f} s", flush=True)
    return lines


def _machine() -> str:
    """Where and when, and how much else the machine had to do in the last minute, as `uptime` tells it."""
    at = SystemClock().wall()
    load = os.getloadavg()[0]
    return (
        f"{at:%Y-%m-%d}, {os.cpu_count()} cores, {platform.machine()}, "
        f"Python {platform.python_version()}, load {load:.1f} at the end"
    )


if __name__ == "__main__":
    main()
