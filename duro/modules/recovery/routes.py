"""Recovery cases over HTTP, and the invoice with its whole story."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from duro.kit.call import Call
from duro.kit.pagination import Page
from duro.kit.registry import Routes
from duro.modules.invoices import schemas as invoices
from duro.modules.invoices.repository import InvoiceRepository
from duro.modules.invoices.schemas import DunningStep, InvoiceDetail
from duro.modules.payments.refunds import RefundRepository
from duro.modules.payments.repository import AttemptRepository
from duro.modules.payments.schemas import refund_out, transaction_out
from duro.modules.recovery.model import Schedule
from duro.modules.recovery.repository import RecoveryRepository, settings_of
from duro.modules.recovery.schemas import (
    RecoveryCaseDetail,
    RecoveryCaseOut,
    RecoveryListQuery,
    RecoverySettingsOut,
    RecoverySettingsPatch,
    present,
    present_detail,
    present_settings,
)
from duro.modules.recovery.settings import change_settings

routes: Final = Routes(tag="Recovery")


@dataclass(frozen=True, slots=True)
class _Listed:
    """A case in a list that is ordered by its opening."""

    case: Schedule

    @property
    def id(self) -> str:
        return self.case.id

    @property
    def created_at(self) -> datetime:
        return self.case.opened_at


@routes.get("/v1/recovery", permission="read")
async def list_recovery_cases(call: Call, query: RecoveryListQuery) -> Page[RecoveryCaseOut]:
    """Recovery cases of every state, newest first, each with its next action, when, and why."""
    seek = call.seek("recovery", query)
    found = await RecoveryRepository(call.tx).list_newest(
        seek,
        state=query.state,
        customer_id=query.customer_id,
        subscription_id=query.subscription_id,
    )
    return seek.page([_Listed(case) for case in found], lambda row: present(row.case))


@routes.get("/v1/recovery/{id}", permission="read", id_prefix="dun")
async def read_recovery_case(call: Call, case_id: str) -> RecoveryCaseDetail:
    """One case with every decision made in it and what was known then."""
    repository = RecoveryRepository(call.tx)
    case = await repository.get(case_id)
    return present_detail(case, await repository.decisions_of(case_id))


@routes.get("/v1/settings/recovery", permission="read")
async def read_recovery_settings(call: Call) -> RecoverySettingsOut:
    """The recovery settings in force, with their version."""
    return present_settings(await settings_of(call.tx))


@routes.patch(
    "/v1/settings/recovery",
    permission="settings:write",
    example={"paydayAnchorDay": 25, "dunningEscalation": "keep_past_due"},
)
async def update_recovery_settings(call: Call, body: RecoverySettingsPatch) -> RecoverySettingsOut:
    """Change some of the settings, as a new version; cases that are open keep theirs."""
    return present_settings(await change_settings(call.tx, body))


@routes.get("/v1/invoices/{id}", permission="read", id_prefix="inv")
async def read_invoice(call: Call, invoice_id: str) -> InvoiceDetail:
    """One invoice with every attempt to charge it and every decision of its recovery."""
    invoice = await InvoiceRepository(call.tx).get(invoice_id)
    attempts = await AttemptRepository(call.tx).of_invoice(invoice_id)
    recovery = RecoveryRepository(call.tx)
    case = await recovery.find_of_invoice(invoice_id)
    decisions = await recovery.decisions_of(case.id) if case else []
    return InvoiceDetail.model_construct(
        **invoices.shown(invoice),
        attempts=[transaction_out(attempt) for attempt in attempts],
        refunds=[refund_out(row) for row in await RefundRepository(call.tx).of_invoice(invoice_id)],
        dunning=[
            DunningStep.model_construct(
                at=row.decided_at,
                action=row.action,
                rail=row.rail,
                next_attempt_at=row.next_attempt_at,
                reason=row.reason,
            )
            for row in decisions
        ],
    )
