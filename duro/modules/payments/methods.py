"""Which saved method a customer means."""

from typing import Final

from duro.billing.rails import Rail
from duro.kit.db import Tx
from duro.kit.ids import is_id, new_id
from duro.kit.modes import Mode
from duro.kit.schema import refuse
from duro.modules.payments.errors import PaymentMethodNotFoundError
from duro.modules.payments.model import PaymentMethod
from duro.modules.payments.repository import PaymentMethodRepository
from duro.modules.payments.testcards import (
    Instrument,
    face_of,
    find_instrument,
    fingerprint_of,
    token_of,
)

_PATH: Final = "paymentMethodId"


async def resolve_method(tx: Tx, *, customer_id: str, method_id: str) -> PaymentMethod:
    """The customer's method of that id, or in test mode their own card of a test instrument's name.

    The card is saved at its first use, and is the default of a customer who has none. The customer must exist.
    Raises `InvalidError` for what cannot be an id here, `PaymentMethodNotFoundError` for somebody else's.
    """
    if is_id(method_id, "pm"):
        method = await PaymentMethodRepository(tx).find(method_id)
        if method is None or method.customer_id != customer_id:
            raise PaymentMethodNotFoundError(f"There is no payment method {method_id}.")
        return method
    instrument = find_instrument(method_id)
    if instrument is None:
        raise refuse(_PATH, "Must be the id of a payment method.")
    if tx.mode is not Mode.TEST:
        raise refuse(_PATH, "Test instruments work in test mode only.")
    return await _own_card(tx, customer_id=customer_id, instrument=instrument)


async def _own_card(tx: Tx, *, customer_id: str, instrument: Instrument) -> PaymentMethod:
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
            rail=Rail.CARD,
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
