"""Who pays a subscription, and with what: by rail, as far as it can be charged now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from duro.billing.rails import Rail
from duro.kit.db import Tx
from duro.modules.customers.model import Customer
from duro.modules.customers.repository import CustomerRepository
from duro.modules.payments.accounts import VirtualAccountRepository
from duro.modules.payments.caps import CapRepository
from duro.modules.payments.mandates import MandateRepository
from duro.modules.payments.model import Attempt, MandateStatus, PaymentMethod
from duro.modules.payments.repository import PaymentMethodRepository
from duro.modules.recovery.seen import Payer
from duro.modules.subscriptions.model import Subscription


async def payers_of(
    tx: Tx, subscriptions: Sequence[Subscription], *, known: Sequence[Customer] = ()
) -> dict[str, Payer]:
    """Who pays each subscription, and with what: its own method, else its customer's default.

    Customers that are `known` are not read again.
    """
    customers = {customer.id: customer for customer in known}
    if unknown := {row.customer_id for row in subscriptions} - customers.keys():
        customers |= await CustomerRepository(tx).find_many(sorted(unknown))
    methods = PaymentMethodRepository(tx)
    named = [row.payment_method_id for row in subscriptions if row.payment_method_id]
    own = await methods.find_many(named) if named else {}
    without = [row.customer_id for row in subscriptions if row.payment_method_id not in own]
    defaults = await methods.defaults_of(without) if without else {}
    chosen = {
        row.id: own.get(row.payment_method_id or "") or defaults.get(row.customer_id)
        for row in subscriptions
    }
    payers = {}
    for row in subscriptions:
        method = chosen[row.id]
        usable = {method.rail: method} if method is not None else {}
        payers[row.id] = Payer(customers[row.customer_id], usable)
    return await _kept_to_mandates(tx, payers)


async def payer_with(tx: Tx, customer: Customer, method: PaymentMethod | None) -> Payer:
    """The customer, who pays with this method if it can be charged."""
    payer = Payer(customer, {method.rail: method} if method is not None else {})
    return (await _kept_to_mandates(tx, {customer.id: payer}))[customer.id]


async def askers_of(tx: Tx, attempts: Sequence[Attempt]) -> dict[str, Payer]:
    """By attempt, who is asked to pay by a push rail."""
    if not attempts:
        return {}
    customer_ids = sorted({attempt.customer_id for attempt in attempts})
    customers = await CustomerRepository(tx).find_many(customer_ids)
    accounts = await VirtualAccountRepository(tx).of_customers(customer_ids)
    return {
        attempt.id: Payer(customers[attempt.customer_id], {}, accounts.get(attempt.customer_id))
        for attempt in attempts
    }


async def with_all_rails(tx: Tx, payers: Mapping[str, Payer]) -> dict[str, Payer]:
    """With what recovery may turn to besides: the customer's active mandate and their own account number."""
    customer_ids = sorted({payer.customer.id for payer in payers.values()})
    debits = await PaymentMethodRepository(tx).debits_of(customer_ids)
    accounts = await VirtualAccountRepository(tx).of_customers(customer_ids)
    wider = {}
    for key, payer in payers.items():
        methods = dict(payer.methods)
        if payer.customer.id in debits:
            methods.setdefault(Rail.DIRECT_DEBIT, debits[payer.customer.id])
        account = accounts.get(payer.customer.id)
        wider[key] = replace(payer, methods=methods, account=account)
    return await _with_caps(tx, await _kept_to_mandates(tx, wider))


async def _kept_to_mandates(tx: Tx, payers: dict[str, Payer]) -> dict[str, Payer]:
    """Without direct debits that no active mandate allows; with the end of a mandate's uncertain first hours."""
    debits = [*_debits(payers.values())]
    if not debits:
        return payers
    mandates = await MandateRepository(tx).of_methods([method.id for method in debits])
    kept = {}
    for key, payer in payers.items():
        debit = payer.methods.get(Rail.DIRECT_DEBIT)
        mandate = mandates.get(debit.id) if debit is not None else None
        if mandate is not None and mandate.status is MandateStatus.ACTIVE:
            kept[key] = replace(payer, mandate_ready_at=mandate.ready_at)
        else:
            rest = {rail: own for rail, own in payer.methods.items() if own is not debit}
            kept[key] = replace(payer, methods=rest)
    return kept


async def _with_caps(tx: Tx, payers: dict[str, Payer]) -> dict[str, Payer]:
    """With the cards that must not be charged any more, or not before a certain time."""
    methods = [method for payer in payers.values() for method in payer.methods.values()]
    caps = await CapRepository(tx).find([method.fingerprint for method in methods])
    capped = {}
    for key, payer in payers.items():
        of = {
            rail: caps[method.fingerprint]
            for rail, method in payer.methods.items()
            if method.fingerprint in caps
        }
        capped[key] = replace(
            payer,
            blocked=frozenset(rail for rail, cap in of.items() if cap.is_blocked),
            capped_until={
                rail: cap.free_at(tx.now)
                for rail, cap in of.items()
                if cap.free_at(tx.now) > tx.now
            },
        )
    return capped


def _debits(payers: Iterable[Payer]) -> Iterable[PaymentMethod]:
    for payer in payers:
        if Rail.DIRECT_DEBIT in payer.methods:
            yield payer.methods[Rail.DIRECT_DEBIT]
