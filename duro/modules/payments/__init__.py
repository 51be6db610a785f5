"""Payments: saved methods, charge attempts, and the port to the gateways."""
