"""Duro: recovery-first subscription billing."""

__version__ = "0.1.0"
