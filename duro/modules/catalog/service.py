"""Makes, changes and archives plans."""

from dataclasses import replace

from duro.kit.db import Tx
from duro.kit.ids import new_id
from duro.modules.catalog.model import Plan
from duro.modules.catalog.repository import PlanRepository
from duro.modules.catalog.schemas import PlanCreate, PlanUpdate


async def create_plan(tx: Tx, asked: PlanCreate) -> Plan:
    plan = Plan(
        id=new_id("plan", wall=tx.wall),
        name=asked.name,
        amount_minor=asked.amount,
        currency=asked.currency,
        interval=asked.interval,
        interval_count=asked.interval_count,
        trial_days=asked.trial_days,
        max_cycles=asked.max_cycles,
        allow_multiple=asked.allow_multiple,
        archived_at=None,
        metadata=asked.metadata,
        created_at=tx.now,
    )
    await PlanRepository(tx).add(plan)
    return plan


async def update_plan(tx: Tx, plan_id: str, asked: PlanUpdate) -> Plan:
    """Invoices carry their own amount, so a new price counts from the next invoice on."""
    plans = PlanRepository(tx)
    changes = asked.changes()
    if "amount" in changes:
        changes["amount_minor"] = changes.pop("amount")
    plan = replace(await plans.lock(plan_id), **changes)
    await plans.save(plan)
    return plan


async def archive_plan(tx: Tx, plan_id: str) -> Plan:
    """Nobody can start on it any more; archiving twice keeps the first instant."""
    plans = PlanRepository(tx)
    plan = await plans.lock(plan_id)
    if plan.is_active:
        plan = replace(plan, archived_at=tx.now)
        await plans.save(plan)
    return plan
