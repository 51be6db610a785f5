"""Owns the numbers that a simulation draws: the same ones for a seed on every machine and version."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

T = TypeVar("T")

# splitmix64 (Steele, Lea and Flood, 2014): the step is the golden ratio, the two factors are those
# of its published finaliser.
_STEP: Final = 0x9E3779B97F4A7C15
_FIRST: Final = 0xBF58476D1CE4E5B9
_SECOND: Final = 0x94D049BB133111EB
_BITS: Final = 64
_MASK: Final = (1 << _BITS) - 1
_PER_MILLE: Final = 1000


@dataclass(frozen=True, slots=True)
class Chance:
    """A place in a tree of draws.

    A draw depends on its path alone, never on what was drawn before it: asked again, in any order
    and by whatever strategy, the world answers the same.
    """

    state: int

    def at(self, *path: int) -> "Chance":
        """The place below this one; each path has its own."""
        state = self.state
        for step in path:
            state = _mixed((state + (step + 1) * _STEP) & _MASK)
        return Chance(state)

    def below(self, bound: int) -> int:
        """From 0 to `bound` - 1, all alike."""
        return (_mixed((self.state + _STEP) & _MASK) * bound) >> _BITS

    def between(self, least: int, most: int) -> int:
        """From `least` to `most`, both included."""
        return least + self.below(most - least + 1)

    def happens(self, per_mille: int) -> bool:
        return self.below(_PER_MILLE) < per_mille

    def pick(self, choices: Sequence[tuple[T, int]]) -> T:
        """One of the choices, each as often as its weight says."""
        left = self.below(sum(weight for _, weight in choices))
        for choice, weight in choices:
            left -= weight
            if left < 0:
                return choice
        raise ValueError("nothing to pick from")


def seeded(seed: int) -> Chance:
    return Chance(_mixed(seed & _MASK))


def _mixed(value: int) -> int:
    value = ((value ^ (value >> 30)) * _FIRST) & _MASK
    value = ((value ^ (value >> 27)) * _SECOND) & _MASK
    return value ^ (value >> 31)
