"""Direct debit mandates over HTTP."""

from duro.errors import ConflictError, GatewayNotConfiguredError, NotFoundError
from duro.kit.call import Call
from duro.kit.pagination import ListQuery, Page
from duro.kit.registry import Routes
from duro.kit.work import WorkScope
from duro.modules.customers.repository import CustomerRepository
from duro.modules.payments import mandating
from duro.modules.payments.gateway import Gateways
from duro.modules.payments.mandates import MandateRepository
from duro.modules.payments.request_schemas import MandateCreate, MandateOut, mandate_out


def routes(gateways: Gateways) -> Routes:
    """Mandates are given by customers and kept at the gateway."""
    entries = Routes(tag="Payments")
    _listing(entries)
    _giving(entries, gateways)
    _revoking(entries, gateways)
    return entries


def _listing(entries: Routes) -> None:
    @entries.get("/v1/customers/{id}/mandates", permission="read", id_prefix="cus")
    async def list_mandates(call: Call, customer_id: str, query: ListQuery) -> Page[MandateOut]:
        """Direct debit mandates of one customer, newest first."""
        seek = call.seek(f"mandates of {customer_id}", query)
        customer = await CustomerRepository(call.tx).get(customer_id)
        found = await MandateRepository(call.tx).list_of_customer(customer.id, seek)
        return seek.page(found, mandate_out)


def _giving(entries: Routes, gateways: Gateways) -> None:
    async def set_up(call: Call, mandate_id: str) -> MandateOut:
        await mandating.set_up(gateways, _scope(call), mandate_id)
        return await _read(call, mandate_id)

    @entries.post(
        "/v1/customers/{id}/mandates",
        permission="customer:write",
        id_prefix="cus",
        status=201,
        transaction="own",
        resume=set_up,
        errors=(ConflictError, NotFoundError, GatewayNotConfiguredError),
        example={"paymentMethodId": "pm_test_mandate"},
    )
    async def create_mandate(call: Call, customer_id: str, body: MandateCreate) -> MandateOut:
        """Set a direct debit mandate up at the gateway, once for each payment method.

        It is `pending` until the bank lets it stand, which is asked for until then, for 14 days. Nothing is debited
        before it is `active`; a revoked one stays revoked.
        """
        gateways.of(call.mode)
        async with call.begin() as tx:
            customer = await CustomerRepository(tx).get(customer_id)
            opened = await mandating.begin(
                tx, customer_id=customer.id, method_id=body.payment_method_id
            )
            await call.claim(tx, opened.mandate.id)
        return await set_up(call, opened.mandate.id)


def _revoking(entries: Routes, gateways: Gateways) -> None:
    async def tell(call: Call, mandate_id: str) -> MandateOut:
        await mandating.finish_to_revoke(gateways, _scope(call), mandate_id)
        return await _read(call, mandate_id)

    @entries.post(
        "/v1/mandates/{id}/revoke",
        permission="customer:write",
        id_prefix="man",
        transaction="own",
        resume=tell,
        errors=(NotFoundError, GatewayNotConfiguredError),
    )
    async def revoke_mandate(call: Call, mandate_id: str) -> MandateOut:
        """End a mandate for good: nothing is debited any more. One that is revoked stays as it is."""
        gateways.of(call.mode)
        async with call.begin() as tx:
            await mandating.begin_to_revoke(tx, mandate_id)
            await call.claim(tx, mandate_id)
        return await tell(call, mandate_id)


async def _read(call: Call, mandate_id: str) -> MandateOut:
    async with call.begin() as tx:
        return mandate_out(await MandateRepository(tx).get(mandate_id))


def _scope(call: Call) -> WorkScope:
    return WorkScope(call.db, call.mode, call.tenant.id)
