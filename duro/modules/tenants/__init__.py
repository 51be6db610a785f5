"""Merchants of this installation."""
