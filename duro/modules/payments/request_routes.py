"""Payment requests, virtual accounts and suspense over HTTP, and money that comes in for them in test mode."""

from dataclasses import dataclass
from typing import Final

from duro.billing.rails import Rail
from duro.errors import ConflictError, GatewayNotConfiguredError, NotFoundError, UnavailableError
from duro.kit.call import Call
from duro.kit.modes import Mode
from duro.kit.pagination import Page
from duro.kit.registry import Routes
from duro.kit.schema import refuse
from duro.kit.work import WorkScope
from duro.modules.customers.repository import CustomerRepository
from duro.modules.payments.accounts import VirtualAccountRepository
from duro.modules.payments.gateway import GatewayBooks, Gateways
from duro.modules.payments.incoming import IncomingRepository, SuspenseRepository
from duro.modules.payments.model import PaymentRequest, RequestFilter, SuspenseFilter
from duro.modules.payments.notices import Settle, ask_now
from duro.modules.payments.opening import open_account
from duro.modules.payments.request_schemas import (
    AccountPay,
    PaymentRequestOut,
    PaymentRequestQuery,
    RequestPay,
    SuspenseItemOut,
    SuspenseQuery,
    VirtualAccountOut,
    payment_request_out,
    suspense_item_out,
    virtual_account_out,
)
from duro.modules.payments.requests import PaymentRequestRepository

routes: Final = Routes(tag="Payments")
_TEST_ONLY: Final = frozenset({Mode.TEST})


@dataclass(frozen=True, slots=True)
class SimulatedMoney:
    """Where money comes in by hand: the simulated gateway's books, and who takes it from there."""

    books: GatewayBooks
    settle: Settle


@routes.get("/v1/payment-requests", permission="read")
async def list_payment_requests(call: Call, query: PaymentRequestQuery) -> Page[PaymentRequestOut]:
    """What customers were asked to pay by themselves, newest first."""
    seek = call.seek("payment requests", query)
    wanted = RequestFilter(query.status, query.invoice_id, query.subscription_id, query.customer_id)
    found = await PaymentRequestRepository(call.tx).list_page(wanted, seek)
    return seek.page(found, payment_request_out)


@routes.get("/v1/payment-requests/{id}", permission="read", id_prefix="prq")
async def read_payment_request(call: Call, request_id: str) -> PaymentRequestOut:
    """One payment request, with what its customer was told."""
    return payment_request_out(await PaymentRequestRepository(call.tx).get(request_id))


@routes.get("/v1/customers/{id}/virtual-account", permission="read", id_prefix="cus")
async def read_virtual_account(call: Call, customer_id: str) -> VirtualAccountOut:
    """The account number of one customer's own; not found until it is opened."""
    customer = await CustomerRepository(call.tx).get(customer_id)
    found = await VirtualAccountRepository(call.tx).get_of_customer(customer.id)
    return virtual_account_out(found)


@routes.get("/v1/suspense", permission="read")
async def list_suspense(call: Call, query: SuspenseQuery) -> Page[SuspenseItemOut]:
    """Money that came in and fits nothing yet, or did not at first; newest first."""
    seek = call.seek("suspense", query)
    wanted = SuspenseFilter(query.status, query.reason)
    found = await SuspenseRepository(call.tx).list_page(wanted, seek)
    ids = [item.incoming_id for item in found if item.incoming_id]
    incoming = await IncomingRepository(call.tx).of_ids(ids)
    return seek.page(
        found, lambda item: suspense_item_out(item, incoming.get(item.incoming_id or ""))
    )


def account_routes(gateways: Gateways) -> Routes:
    """Opens virtual accounts at the gateway."""
    entries = Routes(tag="Payments")

    async def opened(call: Call, customer_id: str) -> VirtualAccountOut:
        async with call.begin() as tx:
            customer = await CustomerRepository(tx).get(customer_id)
        return virtual_account_out(await open_account(gateways, _scope(call), customer))

    @entries.post(
        "/v1/customers/{id}/virtual-account",
        permission="customer:write",
        id_prefix="cus",
        status=201,
        transaction="own",
        resume=opened,
        errors=(ConflictError, NotFoundError, GatewayNotConfiguredError, UnavailableError),
    )
    async def open_virtual_account(call: Call, customer_id: str) -> VirtualAccountOut:
        """Give a customer an account number of their own; asked again it answers the same one."""
        gateways.of(call.mode)
        async with call.begin() as tx:
            await CustomerRepository(tx).get(customer_id)
            await call.claim(tx, customer_id)
        return await opened(call, customer_id)

    return entries


def paying_routes(money: SimulatedMoney) -> Routes:
    """Money that comes in because a test says so."""
    entries = Routes(tag="Test mode")
    _paying_requests(entries, money)
    _paying_accounts(entries, money)
    return entries


def _paying_requests(entries: Routes, money: SimulatedMoney) -> None:
    async def settled(call: Call, request_id: str) -> PaymentRequestOut:
        async with call.begin() as tx:
            request = await PaymentRequestRepository(tx).get(request_id)
        await money.settle(_scope(call), _paid_to(request))
        async with call.begin() as tx:
            return payment_request_out(await PaymentRequestRepository(tx).get(request_id))

    @entries.post(
        "/v1/test/payment-requests/{id}/pay",
        permission="invoice:write",
        id_prefix="prq",
        modes=_TEST_ONLY,
        transaction="own",
        resume=settled,
        errors=(NotFoundError,),
        example={"amount": 200_000},
    )
    async def pay_test_request(call: Call, request_id: str, body: RequestPay) -> PaymentRequestOut:
        """Pay a payment request as its customer would: whole or a part of it, or more, and also when it is too late.

        The money comes to where the customer was told to pay it. Without an amount it is what still lacks.
        """
        async with call.begin() as tx:
            request = await PaymentRequestRepository(tx).get(request_id)
            amount = body.amount or request.lacking_minor
            if not amount:
                raise refuse("amount", "Nothing lacks any more, so say how much is paid.")
            await call.claim(tx, request.id)
            await money.books.record_credit(
                tx,
                reference=_paid_to(request),
                amount_minor=amount,
                currency=body.currency or request.currency,
            )
            await ask_now(tx, _paid_to(request))
        return await settled(call, request_id)


def _paying_accounts(entries: Routes, money: SimulatedMoney) -> None:
    async def settled(call: Call, account_id: str) -> VirtualAccountOut:
        async with call.begin() as tx:
            account = await VirtualAccountRepository(tx).get(account_id)
        await money.settle(_scope(call), account.account_number)
        return virtual_account_out(account)

    @entries.post(
        "/v1/test/virtual-accounts/{id}/pay",
        permission="invoice:write",
        id_prefix="va",
        modes=_TEST_ONLY,
        transaction="own",
        resume=settled,
        errors=(NotFoundError,),
        example={"amount": 500_000},
    )
    async def pay_test_account(call: Call, account_id: str, body: AccountPay) -> VirtualAccountOut:
        """Pay to a customer's virtual account, whether or not anything was asked for."""
        async with call.begin() as tx:
            account = await VirtualAccountRepository(tx).get(account_id)
            await call.claim(tx, account.id)
            await money.books.record_credit(
                tx,
                reference=account.account_number,
                amount_minor=body.amount,
                currency=body.currency,
            )
            await ask_now(tx, account.account_number)
        return await settled(call, account_id)


def _paid_to(request: PaymentRequest) -> str:
    """What the money comes under: a virtual account knows nothing of requests."""
    if request.rail is Rail.VIRTUAL_ACCOUNT:
        return request.details["accountNumber"]
    return request.reference


def _scope(call: Call) -> WorkScope:
    return WorkScope(call.db, call.mode, call.tenant.id)
