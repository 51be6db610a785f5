"""The two modes and where each keeps its data."""

from enum import StrEnum


class Mode(StrEnum):
    """`test` lives in schema `sandbox`, `live` in schema `live`."""

    TEST = "test"
    LIVE = "live"

    @property
    def schema(self) -> str:
        return "sandbox" if self is Mode.TEST else "live"
