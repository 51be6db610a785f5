"""Recovery cases over HTTP, where stepping in may charge."""

from duro.errors import ConflictError, GatewayNotConfiguredError
from duro.kit.call import Call
from duro.kit.registry import Routes
from duro.kit.work import WorkScope
from duro.modules.charging import manual
from duro.modules.charging.engine import Charging
from duro.modules.recovery.repository import RecoveryRepository
from duro.modules.recovery.schemas import CaseNote, RecoveryCaseDetail, present_detail


def routes(charging: Charging) -> Routes:
    """What a merchant can do to a case."""
    entries = Routes(tag="Recovery")
    _retrying(entries, charging)
    _stopping(entries, charging)
    return entries


def _retrying(entries: Routes, charging: Charging) -> None:
    async def finish(call: Call, case_id: str) -> RecoveryCaseDetail:
        await manual.finish_retry(_scope(call), charging, case_id)
        return await _read(call, case_id)

    @entries.post(
        "/v1/recovery/{id}/retry",
        permission="recovery:write",
        id_prefix="dun",
        transaction="own",
        resume=finish,
        errors=(ConflictError, GatewayNotConfiguredError),
        example={"reason": "The customer called: the money is there."},
    )
    async def retry_recovery_case(call: Call, case_id: str, body: CaseNote) -> RecoveryCaseDetail:
        """Charge now instead of later; it counts as one of the tries.

        Refused while a charge is under way, within 20 hours of the last charge of the same payment method, and for a
        method that the bank does not take any more.
        """
        charging.gateways.of(call.mode)
        async with call.begin() as tx:
            charge = await manual.begin_retry(tx, charging, case_id, note=body.reason)
            await call.claim(tx, case_id)
        await charging.run(_scope(call), [charge])
        return await _read(call, case_id)


def _stopping(entries: Routes, charging: Charging) -> None:
    @entries.post(
        "/v1/recovery/{id}/skip",
        permission="recovery:write",
        id_prefix="dun",
        errors=(ConflictError,),
        example={"reason": "The customer asked for a few more days."},
    )
    async def skip_recovery_attempt(call: Call, case_id: str, body: CaseNote) -> RecoveryCaseDetail:
        """Call the planned try off and go on to the next decision; it counts as one of the tries."""
        await manual.skip(call.tx, charging, case_id, note=body.reason)
        return await _shown(RecoveryRepository(call.tx), case_id)

    @entries.post(
        "/v1/recovery/{id}/cancel",
        permission="recovery:write",
        id_prefix="dun",
        errors=(ConflictError,),
        example={"reason": "Settled in cash."},
    )
    async def cancel_recovery_case(call: Call, case_id: str, body: CaseNote) -> RecoveryCaseDetail:
        """Give up: the invoice is uncollectible, the subscription unpaid or canceled, as its settings say."""
        await manual.cancel(call.tx, charging, case_id, note=body.reason)
        return await _shown(RecoveryRepository(call.tx), case_id)


async def _read(call: Call, case_id: str) -> RecoveryCaseDetail:
    async with call.begin() as tx:
        return await _shown(RecoveryRepository(tx), case_id)


async def _shown(repository: RecoveryRepository, case_id: str) -> RecoveryCaseDetail:
    case = await repository.get(case_id)
    return present_detail(case, await repository.decisions_of(case_id))


def _scope(call: Call) -> WorkScope:
    return WorkScope(call.db, call.mode, call.tenant.id)
