"""Analytics over HTTP: read only, one period at a time."""

from typing import Final

from duro.kit.call import Call
from duro.kit.registry import Routes
from duro.modules.analytics import service
from duro.modules.analytics.model import Cohort, Ledger, Revenue
from duro.modules.analytics.repository import AnalyticsRepository
from duro.modules.analytics.schemas import (
    AccountsOut,
    FailuresOut,
    FailuresQuery,
    LedgerOut,
    OverviewOut,
    PeriodQuery,
    RecoveryOut,
)
from duro.modules.ledger.model import Balances
from duro.modules.ledger.repository import LedgerRepository

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


@routes.get("/v1/analytics/recovery", permission="read")
async def read_recovery(call: Call, query: FailuresQuery) -> RecoveryOut:
    """How much of what failed in a period came back, how soon, why it had failed, and which tries brought it."""
    zone = call.tenant.zone
    span = service.span_of(query, zone=zone, now=call.now)
    currency = query.currency or call.tenant.currency
    repository = AnalyticsRepository(call.tx)
    found = service.Recovery(
        cohort=(await repository.cohort(span)).get(currency) or Cohort(currency),
        times=await repository.times(span, currency),
        tries=await repository.tries(span, currency, zone),
        changes=await repository.settings_changes(span),
    )
    return service.recovery(found, span)


@routes.get("/v1/analytics/accounts", permission="read")
async def read_accounts(call: Call) -> AccountsOut:
    """The merchant's accounts now: what came in, what is owed to it, and what is the customers' or nobody's yet."""
    found = await LedgerRepository(call.tx).balances()
    return AccountsOut.model_construct(
        items=[
            service.accounts_item(found.get(currency) or Balances(currency))
            for currency in service.currencies(call.tenant.currency, found)
        ]
    )
