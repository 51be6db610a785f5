"""Which saved method a customer means."""

from datetime import timedelta
from typing import Final

from duro.billing.rails import Rail
from duro.kit.db import Tx
from duro.kit.ids import is_id, new_id
from duro.kit.modes import Mode
from duro.kit.schema import refuse
from duro.modules.payments.errors import PaymentMethodNotFoundError
from duro.modules.payments.mandates import MandateRepository
from duro.modules.payments.model import Mandate, MandateStatus, PaymentMethod
from duro.modules.payments.repository import PaymentMethodRepository
from duro.modules.payments.testcards import (
    Instrument,
    face_of,
    find_instrument,
    fingerprint_of,
    token_of,
)

PATH: Final = "paymentMethodId"


async def resolve_method(tx: Tx, *, customer_id: str, method_id: str) -> PaymentMethod:
    """The customer's method of that id, or in test mode their own card or mandate of a test instrument's name.

    The method is saved at its first use, and is the default of a customer who has none; a mandate is then pending, and
    the gateway is asked to set it up as soon as this is committed. The customer must exist.
    Raises `InvalidError` for what cannot be an id here, `PaymentMethodNotFoundError` for somebody else's.
    """
    if is_id(method_id, "pm"):
        method = await PaymentMethodRepository(tx).find(method_id)
        if method is None or method.customer_id != customer_id:
            raise PaymentMethodNotFoundError(f"There is no payment method {method_id}.")
        return method
    instrument = find_instrument(method_id)
    if instrument is None:
        raise refuse(PATH, "Must be the id of a payment method.")
    if tx.mode is not Mode.TEST:
        raise refuse(PATH, "Test instruments work in test mode only.")
    method = await _own_method(tx, customer_id=customer_id, instrument=instrument)
    if method.rail is Rail.DIRECT_DEBIT:
        mandate = await mandate_of(tx, method, wait=timedelta())
        if mandate.status is MandateStatus.PENDING:
            tx.ring("reconcile.mandates")
    return method


async def mandate_of(tx: Tx, method: PaymentMethod, *, wait: timedelta) -> Mandate:
    """The method's mandate; a new one is pending, and the gateway is asked about it after `wait`."""
    return await MandateRepository(tx).add(
        Mandate(
            id=new_id("man", wall=tx.wall),
            customer_id=method.customer_id,
            payment_method_id=method.id,
            status=MandateStatus.PENDING,
            check_at=tx.now + wait,
            activated_at=None,
            ready_at=None,
            revoked_at=None,
            created_at=tx.now,
        )
    )


async def _own_method(tx: Tx, *, customer_id: str, instrument: Instrument) -> PaymentMethod:
    methods = PaymentMethodRepository(tx)
    token = token_of(instrument, customer_id)
    saved = await methods.find_by_token(token)
    if saved is not None:
        return saved
    face = face_of(instrument)
    return await methods.add(
        PaymentMethod(
            id=new_id("pm", wall=tx.wall),
            customer_id=customer_id,
            rail=face.rail,
            token=token,
            fingerprint=fingerprint_of(instrument, customer_id),
            brand=face.brand,
            last4=face.last4,
            exp_month=face.exp_month,
            exp_year=face.exp_year,
            is_default=False,
            created_at=tx.now,
        )
    )
