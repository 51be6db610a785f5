"""Subscriptions: who pays for which plan, and where they are in its cycle."""
