"""The demo merchant of `duro dev`: ninety days made by using the API while the test clock runs through them.

Nothing is inserted: customers subscribe, charges fail and recover, people cancel, each at its own simulated instant.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import cycle
from operator import itemgetter
from typing import Any, Final, TypeAlias

import aiohttp

from duro.kit.json import dumps, instant
from duro.kit.modes import Mode
from duro.kit.work import WorkScope
from duro.modules.testclock import service as testclock
from duro.runtime.identity import Identity
from duro.runtime.serve import Running

Step: TypeAlias = Callable[[], Awaitable[None]]

_DAYS: Final = 90
_TIMEOUT: Final = aiohttp.ClientTimeout(total=300)
_NAMES: Final = (
    *("Ada Obi", "Bola Ade", "Chidi Eze", "Dayo Bello", "Efe Oghene", "Funmi Alabi"),
    *("Gbenga Ojo", "Halima Musa", "Ife Adewale", "Jide Cole", "Kemi Bankole", "Lami Danjuma"),
    *("Musa Ibrahim", "Ngozi Nwosu", "Obinna Okoro", "Peju Shola", "Rita Akpan", "Sani Bala"),
    *("Tola Adeyemi", "Uche Madu"),
)
# How the customers who join pay from their second period on; most of them well.
_MANNERS: Final = (
    *("pm_test_ok", "pm_test_ok", "pm_test_payday", "pm_test_ok", "pm_test_do_not_honor_once"),
    *("pm_test_ok", "pm_test_processor_error_twice", "pm_test_ok", "pm_test_insufficient_funds"),
    *("pm_test_ok", "pm_test_expired", "pm_test_ok", "pm_test_payday", "pm_test_ok"),
    *("pm_test_stolen", "pm_test_ok", "pm_test_timeout_charged", "pm_test_ok", "pm_test_ok"),
)
_PLANS: Final = ("gold", "student", "silver", "gold", "coach")
_JOINING_DAYS: Final = tuple(range(0, 84, 6))
_JOINING_AT_ONCE: Final = 4


class DemoError(Exception):
    """The API refused what the demo asked for."""


@dataclass(slots=True)
class _Demo:
    """A client of the public API, and what it has made so far."""

    session: aiohttp.ClientSession
    base: str
    plans: dict[str, str] = field(default_factory=dict)
    members: list[str] = field(default_factory=list)
    seen: int = 0

    async def send(self, method: str, path: str, body: object) -> dict[str, Any]:
        url = f"{self.base}{path}"
        data = None if body is None else dumps(body)
        async with self.session.request(method, url, data=data) as response:
            answer: dict[str, Any] = await response.json()
            if response.status >= 400:  # noqa: PLR2004 - where HTTP's refusals begin
                raise DemoError(f"{method} {path}: {answer}")
            return answer

    async def move_to(self, at: datetime) -> None:
        await self.send("POST", "/v1/test-clock/advance", {"to": instant(at)})

    async def join(self, plan: str, manner: str) -> str:
        """A new customer subscribes with a good card, and pays in that manner afterwards."""
        name = _NAMES[self.seen % len(_NAMES)]
        number = self.seen // len(_NAMES) + 1
        self.seen += 1
        email = f"{name.lower().replace(' ', '.')}{number}@example.com"
        customer = await self.send("POST", "/v1/customers", {"name": name, "email": email})
        body = {
            "customerId": customer["id"],
            "planId": self.plans[plan],
            "paymentMethodId": "pm_test_ok",
        }
        subscription = await self.send("POST", "/v1/subscriptions", body)
        if manner != "pm_test_ok":
            path = f"/v1/subscriptions/{subscription['id']}"
            await self.send("PATCH", path, {"paymentMethodId": manner})
        return str(subscription["id"])


async def seed_demo(process: Running, identity: Identity) -> None:
    """Ninety days of a gym that end now; the clock then runs in real time."""
    scope = WorkScope(process.ground.db, Mode.TEST, identity.tenant_id)
    now = process.ground.clock.wall()
    await _rewind(scope, now - timedelta(days=_DAYS))
    async with _demo(process.public_url or "", identity.secret_key) as demo:
        await _make_plans(demo)
        for at, step in _Story(demo, now).steps():
            await demo.move_to(at)
            await step()
        await demo.move_to(process.ground.clock.wall())
    async with scope.begin() as tx:
        await testclock.release(tx)


async def _rewind(scope: WorkScope, to: datetime) -> None:
    # A seeding that was cut off leaves an advance and half a history: the one is finished, the other erased.
    await testclock.wait_until_free(scope)
    async with scope.begin() as tx:
        await testclock.reset(tx)
        await testclock.start_back(tx, to)


@asynccontextmanager
async def _demo(base: str, key: str) -> AsyncIterator[_Demo]:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(headers=headers, timeout=_TIMEOUT) as session:
        yield _Demo(session, base)


async def _make_plans(demo: _Demo) -> None:
    for key, plan in {
        "gold": {"name": "Gold membership", "amount": 500_000, "interval": "month"},
        "silver": {"name": "Silver membership", "amount": 250_000, "interval": "month"},
        "student": {"name": "Student week", "amount": 150_000, "interval": "week"},
        "coach": {
            "name": "Personal coach",
            "amount": 1_500_000,
            "interval": "month",
            "trialDays": 7,
        },
    }.items():
        demo.plans[key] = (await demo.send("POST", "/v1/plans", plan))["id"]


@dataclass(slots=True)
class _Story:
    """What happens when, besides what the clock brings about by itself."""

    demo: _Demo
    now: datetime
    manners: Iterator[str] = field(default_factory=lambda: cycle(_MANNERS))
    plans: Iterator[str] = field(default_factory=lambda: cycle(_PLANS))

    def steps(self) -> list[tuple[datetime, Step]]:
        """In the order of their instants."""
        start, week = self.now - timedelta(days=_DAYS), timedelta(days=7)
        steps = [
            *((start + timedelta(days=day, hours=9), self.some_join) for day in _JOINING_DAYS),
            (start + timedelta(days=40), self.one_leaves),
            (start + timedelta(days=55), self.one_pauses),
            *((start + timedelta(days=day), self.one_brings_a_new_card) for day in (50, 62, 75)),
            # Renewed 16 h ago and refused once; the next try, a day after that, goes through.
            (self.now - week - timedelta(hours=16), self.one_will_recover),
            # Renews within a day, and will be refused.
            (self.now - week + timedelta(hours=18), self.one_will_fail),
        ]
        return sorted(steps, key=itemgetter(0))

    async def some_join(self) -> None:
        for _ in range(_JOINING_AT_ONCE):
            member = await self.demo.join(next(self.plans), next(self.manners))
            self.demo.members.append(member)

    async def one_leaves(self) -> None:
        path = f"/v1/subscriptions/{self.demo.members[2]}/cancel"
        body = {"atPeriodEnd": True, "reason": "Moved to Abuja"}
        await self.demo.send("POST", path, body)

    async def one_pauses(self) -> None:
        path = f"/v1/subscriptions/{self.demo.members[3]}/pause"
        await self.demo.send("POST", path, None)

    async def one_brings_a_new_card(self) -> None:
        path = "/v1/recovery?state=awaiting_customer&limit=1"
        for case in (await self.demo.send("GET", path, None))["items"]:
            path = f"/v1/subscriptions/{case['subscriptionId']}"
            await self.demo.send("PATCH", path, {"paymentMethodId": "pm_test_ok"})

    async def one_will_recover(self) -> None:
        await self.demo.join("student", "pm_test_do_not_honor_once")

    async def one_will_fail(self) -> None:
        await self.demo.join("student", "pm_test_insufficient_funds")
