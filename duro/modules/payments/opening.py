"""Opens the virtual account of a customer: one for each, kept for good."""

from datetime import timedelta
from typing import Final

import structlog

from duro.errors import ConflictError, UnavailableError
from duro.kit.ids import new_id
from duro.kit.work import WorkScope
from duro.modules.customers.model import Customer
from duro.modules.payments.accounts import VirtualAccountRepository
from duro.modules.payments.gateway import (
    AccountAnswer,
    AccountAsk,
    ChargeGateway,
    Failed,
    Gateways,
    OpenedAccount,
    Unknown,
)
from duro.modules.payments.model import VirtualAccount

log: Final = structlog.get_logger()

# It is looked at once in a while; a callback asks sooner.
_FIRST_LOOK: Final = timedelta(days=1)


async def open_account(gateways: Gateways, scope: WorkScope, customer: Customer) -> VirtualAccount:
    """The customer's account; the gateway is asked, outside any transaction, if they have none yet.

    Whoever dies on the way, or comes at the same time, gets the same account: the reference follows from the customer.
    """
    async with scope.begin() as tx:
        found = await VirtualAccountRepository(tx).find_of_customer(customer.id)
        now = tx.now
    if found is not None:
        return found
    ask = AccountAsk(
        reference=customer.id.lower().replace("_", "-"),
        customer_name=customer.name,
        email=customer.email,
        phone=customer.phone,
        tenant_id=scope.tenant_id,
        at=now,
    )
    answer = await _ask(gateways.of(scope.mode), ask)
    match answer:
        case Failed(code=code):
            raise ConflictError(f"The gateway refused to open an account: {code}.")
        case Unknown():
            raise UnavailableError(
                "The gateway did not say whether it opened an account; try again."
            )
        case OpenedAccount():
            return await _keep(scope, customer.id, answer)


async def _ask(gateway: ChargeGateway, ask: AccountAsk) -> AccountAnswer:
    try:
        return await gateway.open_account(ask)
    except Exception as error:  # the boundary to foreign code
        log.exception("gateway_raised", reference=ask.reference, gateway=gateway.name)
        return Unknown(type(error).__name__)


async def _keep(scope: WorkScope, customer_id: str, opened: OpenedAccount) -> VirtualAccount:
    async with scope.begin() as tx:
        return await VirtualAccountRepository(tx).add(
            VirtualAccount(
                id=new_id("va", wall=tx.wall),
                customer_id=customer_id,
                bank_name=opened.bank_name,
                account_number=opened.account_number,
                account_name=opened.account_name,
                check_at=tx.now + _FIRST_LOOK,
                created_at=tx.now,
            )
        )
