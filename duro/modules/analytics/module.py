"""What analytics offers to the runtime."""

from duro.kit.module import Module
from duro.modules.analytics import backtest_routes
from duro.modules.analytics.backtest import Backtests
from duro.modules.analytics.routes import routes


def build() -> Module:
    return Module(name="analytics", routes=(routes, backtest_routes.routes(Backtests())))
