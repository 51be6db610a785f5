"""Checkout sessions: what a customer is asked to pay on the hosted page."""
