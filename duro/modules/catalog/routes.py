"""Plans over HTTP."""

from typing import Final

from duro.kit.call import Call
from duro.kit.pagination import Page
from duro.kit.registry import Routes
from duro.modules.catalog import service
from duro.modules.catalog.repository import PlanRepository
from duro.modules.catalog.schemas import PlanCreate, PlanOut, PlanQuery, PlanUpdate, plan_out

routes: Final = Routes(tag="Plans")


@routes.get("/v1/plans", permission="read")
async def list_plans(call: Call, query: PlanQuery) -> Page[PlanOut]:
    """Plans, newest first."""
    seek = call.seek("plans", query)
    return seek.page(
        await PlanRepository(call.tx).list_newest(seek, is_active=query.active), plan_out
    )


@routes.post(
    "/v1/plans",
    permission="plan:write",
    status=201,
    example={"name": "Gold", "amount": 500000, "interval": "month"},
)
async def create_plan(call: Call, body: PlanCreate) -> PlanOut:
    """Make a plan."""
    return plan_out(await service.create_plan(call.tx, body))


@routes.get("/v1/plans/{id}", permission="read", id_prefix="plan")
async def read_plan(call: Call, plan_id: str) -> PlanOut:
    """One plan."""
    return plan_out(await PlanRepository(call.tx).get(plan_id))


@routes.patch(
    "/v1/plans/{id}", permission="plan:write", id_prefix="plan", example={"amount": 600000}
)
async def update_plan(call: Call, plan_id: str, body: PlanUpdate) -> PlanOut:
    """Change a plan; issued invoices keep their amount."""
    return plan_out(await service.update_plan(call.tx, plan_id, body))


@routes.delete("/v1/plans/{id}", permission="plan:write", id_prefix="plan")
async def archive_plan(call: Call, plan_id: str) -> PlanOut:
    """Archive a plan: nobody can start on it, those who have it keep it."""
    return plan_out(await service.archive_plan(call.tx, plan_id))
