"""Owns the settings of the property tests: a busy machine must not fail a law."""

from hypothesis import settings

settings.register_profile("laws", deadline=None, max_examples=200)
settings.load_profile("laws")
