"""What a benchmark found, and the one table it is shown in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_HEADINGS: Final = ("work", "measured", "limit beside it", "ratio", "target", "verdict")


@dataclass(frozen=True, slots=True)
class Line:
    """One finding; `is_met` is None where the figure is told without a target."""

    work: str
    measured: str
    limit: str = "–"
    ratio: float | None = None
    target: str = "–"
    is_met: bool | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        ratio = "–" if self.ratio is None else f"{self.ratio:.2f}"
        verdict = {True: "met", False: "MISSED", None: "–"}[self.is_met]
        return (self.work, self.measured, self.limit, ratio, self.target, verdict)


def render(lines: Sequence[Line]) -> str:
    """The lines under their headings, in columns."""
    rows = [_HEADINGS, *(line.cells for line in lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = "  ".join("-" * width for width in widths)
    shown = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([shown[0], rule, *shown[1:]])
