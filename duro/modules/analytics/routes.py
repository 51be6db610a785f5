"""Analytics over HTTP: read only, one period at a time."""

from typing import Final

from duro.kit.call import Call
from duro.kit.registry import Routes
from duro.modules.analytics import service
from duro.modules.analytics.model import Cohort, Ledger, Revenue
from duro.modules.analytics.repository import AnalyticsRepository
from duro.modules.analytics.schemas import (
    FailuresOut,
    FailuresQuery,
    LedgerOut,
    OverviewOut,
    PeriodQuery,
)

routes: Final = Routes(tag="Analytics")


@routes.get("/v1/analytics/overview", permission="read")
async def read_overview(call: Call, query: PeriodQuery) -> OverviewOut:
    """Monthly recurring revenue and its movements, churn, money at risk and recovered, by currency."""
    span = service.span_of(query, zone=call.tenant.zone, now=call.now)
    repository = AnalyticsRepository(call.tx)
    revenue = await repository.revenue(span)
    ledgers = await repository.ledger(span)
    cohorts = await repository.cohort(span)
    items = [
        service.overview(
            revenue.get(currency) or Revenue(currency),
            ledgers.get(currency) or Ledger(currency),
            cohorts.get(currency) or Cohort(currency),
        )
        for currency in service.currencies(call.tenant.currency, revenue, ledgers, cohorts)
    ]
    return OverviewOut.model_construct(from_=span.starts_at, to=span.ends_at, items=items)


@routes.get("/v1/analytics/failures", permission="read")
async def read_failures(call: Call, query: FailuresQuery) -> FailuresOut:
    """The failed renewals billed in a period: what became of the money, and why they failed."""
    span = service.span_of(query, zone=call.tenant.zone, now=call.now)
    currency = query.currency or call.tenant.currency
    cohorts = await AnalyticsRepository(call.tx).cohort(span)
    return service.failures(cohorts.get(currency) or Cohort(currency), span)


@routes.get("/v1/analytics/ledger", permission="read")
async def read_ledger(call: Call, query: PeriodQuery) -> LedgerOut:
    """The recovery ledger of a period: opening and entered, less recovered, lost and cancelled, is closing."""
    span = service.span_of(query, zone=call.tenant.zone, now=call.now)
    ledgers = await AnalyticsRepository(call.tx).ledger(span)
    return LedgerOut.model_construct(
        items=[
            service.ledger_item(ledgers.get(currency) or Ledger(currency), span)
            for currency in service.currencies(call.tenant.currency, ledgers)
        ]
    )
