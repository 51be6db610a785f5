"""Charging: first charges, renewals, retries and the settling of all of them."""
