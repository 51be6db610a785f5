"""Double entry: what a cause posted stays as it is, and the accounts of each currency come to nothing."""

from dataclasses import asdict, replace
from typing import Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duro.kit.db import Database
from duro.kit.ids import new_id
from duro.kit.modes import Mode
from duro.modules.ledger.model import Account, Balances, Cause, Posting, charged, credited, refunded
from duro.modules.ledger.repository import LedgerRepository
from tests.conftest import WALL
from tests.support.tenants import add_tenant

_PAIRS: Final = [(a, b) for a in Account for b in Account if a is not b]
_POSTINGS: Final = st.builds(
    lambda pair, amount, currency, cause, cause_id: Posting(
        pair[0], pair[1], amount, currency, cause, cause_id
    ),
    st.sampled_from(_PAIRS),
    st.integers(1, 10**15),
    st.sampled_from(["NGN", "USD"]),
    st.sampled_from(list(Cause)),
    st.sampled_from(["a", "b", "c"]),
)


async def test_what_is_charged_credited_and_refunded_stands_where_it_belongs(
    db: Database, tenant: str
) -> None:
    postings = [
        charged("txn_a", 500_000, "NGN"),
        refunded("rfd_a", 100_000, "NGN"),
        credited("bal_a", 70_000, "NGN", is_overpaid=False),
        credited("bal_b", -20_000, "NGN", is_overpaid=False),
        credited("bal_c", 5_000, "NGN", is_overpaid=True),
        charged("txn_b", 900, "USD"),
    ]

    async with db.begin(Mode.TEST, tenant) as tx:
        await LedgerRepository(tx).post(postings)
        found = await LedgerRepository(tx).balances()

    assert found == {
        "NGN": Balances(
            "NGN", gateway_clearing=405_000, customer_credit=-55_000, merchant_payable=-350_000
        ),
        "USD": Balances("USD", gateway_clearing=900, merchant_payable=-900),
    }


async def test_a_cause_posts_once_whatever_it_says_the_second_time(
    db: Database, tenant: str
) -> None:
    once = charged("txn_a", 500_000, "NGN")

    for posting in (once, once, replace(once, amount_minor=1)):
        async with db.begin(Mode.TEST, tenant) as tx:
            await LedgerRepository(tx).post([posting])

    async with db.begin(Mode.TEST, tenant) as tx:
        found = await LedgerRepository(tx).balances()
    assert found["NGN"].gateway_clearing == 500_000


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(postings=st.lists(_POSTINGS, max_size=20))
async def test_the_accounts_of_a_currency_come_to_nothing(
    db: Database, database_url: str, postings: list[Posting]
) -> None:
    tenant_id = await add_tenant(database_url, new_id("ten", wall=WALL), name="Law")
    firsts: dict[tuple[str, str, str, str], Posting] = {}
    for each in postings:
        firsts.setdefault((each.cause, each.cause_id, each.debit, each.credit), each)

    async with db.begin(Mode.TEST, tenant_id) as tx:
        await LedgerRepository(tx).post(postings)
        found = await LedgerRepository(tx).balances()

    assert set(found) == {each.currency for each in firsts.values()}
    for currency, balances in found.items():
        mine = [each for each in firsts.values() if each.currency == currency]
        shown = {name: amount for name, amount in asdict(balances).items() if name != "currency"}
        assert shown == {
            account.value: sum(each.amount_minor for each in mine if each.debit is account)
            - sum(each.amount_minor for each in mine if each.credit is account)
            for account in Account
        }
        assert sum(shown.values()) == 0
