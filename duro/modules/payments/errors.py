"""Refusals of the payments feature."""

from duro.errors import NotFoundError


class TransactionNotFoundError(NotFoundError):
    """No such transaction of this tenant and mode."""


class PaymentMethodNotFoundError(NotFoundError):
    """No such payment method of this customer."""


class RefundNotFoundError(NotFoundError):
    """No such refund of this tenant and mode."""


class PaymentRequestNotFoundError(NotFoundError):
    """No such payment request of this tenant and mode."""


class SuspenseItemNotFoundError(NotFoundError):
    """No such suspense item of this tenant and mode."""


class VirtualAccountNotFoundError(NotFoundError):
    """No such virtual account of this tenant and mode, or none of this customer."""


class MandateNotFoundError(NotFoundError):
    """No such mandate of this tenant and mode."""
