"""Refusals of the payments feature."""

from duro.errors import NotFoundError


class TransactionNotFoundError(NotFoundError):
    """No such transaction of this tenant and mode."""


class PaymentMethodNotFoundError(NotFoundError):
    """No such payment method of this customer."""


class RefundNotFoundError(NotFoundError):
    """No such refund of this tenant and mode."""
