"""Invoices: what a customer owes for a period."""
