"""Makes and changes customers."""

from dataclasses import replace

from duro.kit.db import Tx
from duro.kit.ids import new_id
from duro.modules.customers.model import Customer
from duro.modules.customers.repository import CustomerRepository
from duro.modules.customers.schemas import CustomerCreate, CustomerUpdate


async def create_customer(tx: Tx, asked: CustomerCreate) -> Customer:
    customer = Customer(
        id=new_id("cus", wall=tx.wall),
        email=asked.email,
        phone=asked.phone,
        name=asked.name,
        merchant_ref=asked.merchant_ref,
        blacklisted_at=None,
        blacklist_reason=None,
        metadata=asked.metadata,
        created_at=tx.now,
    )
    await CustomerRepository(tx).add(customer)
    return customer


async def update_customer(tx: Tx, customer_id: str, asked: CustomerUpdate) -> Customer:
    customers = CustomerRepository(tx)
    customer = replace(await customers.lock(customer_id), **asked.changes())
    await customers.save(customer)
    return customer


async def blacklist(tx: Tx, customer_id: str, *, reason: str | None) -> Customer:
    """The customer can start nothing new; a second time keeps the first instant and may bring another reason."""
    customers = CustomerRepository(tx)
    known = await customers.lock(customer_id)
    customer = replace(
        known,
        blacklisted_at=known.blacklisted_at or tx.now,
        blacklist_reason=reason if reason is not None else known.blacklist_reason,
    )
    await customers.save(customer)
    return customer


async def unblacklist(tx: Tx, customer_id: str) -> Customer:
    customers = CustomerRepository(tx)
    known = await customers.lock(customer_id)
    customer = replace(known, blacklisted_at=None, blacklist_reason=None)
    await customers.save(customer)
    return customer
