"""Owns the private PostgreSQL and Redis-compatible servers that a bare machine tries Duro with."""

from duro.runtime.engines.binaries import Binaries, find_binaries, find_tool
from duro.runtime.engines.errors import EngineError
from duro.runtime.engines.supervisor import Engines, Running, remove_data, start_engines

__all__ = [
    "Binaries",
    "EngineError",
    "Engines",
    "Running",
    "find_binaries",
    "find_tool",
    "remove_data",
    "start_engines",
]
