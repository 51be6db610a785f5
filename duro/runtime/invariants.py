"""What must be true of every tenant at every instant, and the check whether it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from duro.billing.states import TRANSITIONS
from duro.kit.db import Database, Tx
from duro.kit.modes import Mode
from duro.kit.sql import Statement, queries
from duro.modules.messages.model import REMINDERS_PER_WEEK

# Names of statements, each with the sentence that is true while its statement finds nothing.
_ALWAYS: Final = {
    "no_status_outside_the_table": "A subscription only takes steps that the table of states has.",
    "a_paid_invoice_is_paid_whole": "What came for a paid invoice is exactly its amount.",
    "received_stays_within_the_amount": "An invoice received at most its amount, and less while it is open.",
    "received_is_what_was_applied": "An unpaid invoice received what was applied to it.",
    "money_pays_an_invoice_or_is_to_be_refunded": "A settled charge pays its invoice, or is flagged or given back.",
    "one_open_pull_attempt_per_invoice": "At most one charge of an invoice is under way.",
    "no_open_request_survives_payment": "Nobody is asked to pay a paid invoice.",
    "a_request_follows_its_attempt": "A payment request is open, paid or over as its attempt is.",
    "a_request_says_what_came": "A payment request says what came for it.",
    "who_awaits_payment_asks_for_it": "A case that waits for a payment has an open request.",
    "periods_neither_overlap_nor_leave_a_gap": "Period n + 1 starts where period n ends.",
    "the_present_period_is_paid": "The period of an active subscription is paid.",
    "every_subscription_goes_on": "A live subscription has a next renewal, or a charge under way.",
    "no_past_due_without_a_next_action": "What is past due has a next action and its time.",
    "one_open_case_of_a_past_due_subscription": "A past due subscription has one open case, any other none.",
    "a_case_in_flight_has_an_open_attempt": "A case in flight waits for the gateway.",
    "an_open_invoice_is_worked": "An open invoice is being charged, recovered or waits for a first payment.",
    "the_recovery_ledger_follows_the_cases": "The recovery ledger says of each case what became of it.",
    "the_recovery_ledger_balances": "What entered the recovery ledger and did not leave it is what open cases owe.",
    "a_balance_is_the_sum_of_its_entries": "A credit balance is the sum of its entries.",
    "balance_entries_follow_each_other": "Each balance entry leaves what all so far come to.",
    "refunds_never_exceed_what_was_captured": "What goes back of a charge is at most what it captured.",
    "invoices_say_what_was_refunded": "An invoice says what its refunds come to.",
    "a_change_that_waits_has_an_open_charge": "A plan change that waits has its charge under way.",
    "every_event_reaches_every_endpoint": "An event that was fanned out has a delivery to each endpoint it matches.",
    "redemptions_are_counted": "A promo code counts the subscriptions that have it.",
    "lines_sum_to_the_amount": "The lines of an invoice sum to its amount.",
    "created_is_told_once": "Each subscription was announced once.",
    "every_settled_charge_is_posted": "Each settled charge has its double entry.",
    "every_refund_is_posted": "Each refund has its double entry.",
    "every_balance_movement_is_posted": "Each movement of a balance has its double entry.",
    "gateway_clearing_is_what_came_in": "Gateway clearing holds what came in less what went back.",
    "customer_credit_is_the_sum_of_balances": "Customer credit holds the balances of all subscriptions.",
    "suspense_is_the_sum_of_open_items": "Suspense holds the open items.",
    "the_wallet_account_is_empty": "Nobody has a wallet yet, so its account holds nothing.",
    "nobody_is_reminded_too_often": "One person gets at most seven reminders in any seven days.",
    "amounts_are_integers": "Amounts are whole minor units.",
    "test_and_live_never_mix": "What the simulated gateway gave out is in test mode and nowhere else.",
}
_OF_THE_BOOKS: Final = {
    "one_settled_charge_per_invoice": "The gateway settled at most one charge of an invoice.",
    "every_charge_has_one_attempt": "Each charge in the gateway's books is one of our attempts.",
    "attempts_say_what_the_gateway_says": "A settled attempt says what the gateway says.",
    "incoming_payments_stand_in_the_gateways_books": "Money that came in stands in the gateway's books.",
    "refunds_never_exceed_the_charge": "The gateway gave back at most what it charged.",
    "every_refund_at_the_gateway_is_one_of_ours": "Each refund in the gateway's books is one of ours.",
}
_AT_REST: Final = {
    "nothing_is_unknown_but_what_is_held": "No charge is open, but those that a person looks at.",
    "no_refund_is_unknown_but_what_is_held": "No refund is open, but those that a person looks at.",
    "every_event_is_fanned_out": "Every event was fanned out.",
}
_BOOKS_AT_REST: Final = {
    "every_charge_is_known": "Each charge in the gateway's books is known to us.",
    "every_credit_is_taken": "All money in the gateway's books was taken in.",
}
_STEPS: Final = tuple((row.source.value, row.target.value) for row in TRANSITIONS.values())


@dataclass(frozen=True, slots=True)
class Invariant:
    """One promise; its statement answers the rows that break it, as `row_id` and `finding`.

    One that holds `at_rest` only may be broken for as long as work is under way.
    """

    name: str
    claim: str
    statement: Statement
    modes: tuple[Mode, ...] = tuple(Mode)
    at_rest: bool = False


@dataclass(frozen=True, slots=True)
class Violation:
    """A row that breaks an invariant."""

    invariant: str
    tenant_id: str
    mode: Mode
    row_id: str
    finding: str


def _listed(
    feature: str, claims: dict[str, str], modes: tuple[Mode, ...], *, at_rest: bool
) -> list[Invariant]:
    statements = queries(feature)
    return [
        Invariant(name, claim, statements[name], modes, at_rest) for name, claim in claims.items()
    ]


INVARIANTS: Final[Sequence[Invariant]] = (
    *_listed("invariants", _ALWAYS, tuple(Mode), at_rest=False),
    *_listed("gateway_invariants", _OF_THE_BOOKS, (Mode.TEST,), at_rest=False),
    *_listed("invariants", _AT_REST, tuple(Mode), at_rest=True),
    *_listed("gateway_invariants", _BOOKS_AT_REST, (Mode.TEST,), at_rest=True),
)


def holding(mode: Mode, *, is_at_rest: bool = False) -> list[Invariant]:
    """Those that must hold in the mode, now or when nothing is under way."""
    return [one for one in INVARIANTS if mode in one.modes and (is_at_rest or not one.at_rest)]


async def check_tenant(
    db: Database, mode: Mode, tenant_id: str, *, statement_ms: int, is_at_rest: bool = False
) -> list[Violation]:
    """What breaks the invariants at one instant, at most a hundred rows of each.

    Raises `UnavailableError` if one statement takes longer than `statement_ms`.
    """
    async with db.snapshot(mode, tenant_id, statement_ms=statement_ms) as tx:
        return await violations(tx, is_at_rest=is_at_rest)


async def violations(tx: Tx, *, is_at_rest: bool = False) -> list[Violation]:
    """The same of an open transaction's tenant and mode."""
    found = []
    for invariant in holding(tx.mode, is_at_rest=is_at_rest):
        rows = await tx.rows(invariant.statement, *_arguments(invariant, tx.mode))
        found += [
            Violation(invariant.name, tx.tenant_id, tx.mode, str(row["row_id"]), row["finding"])
            for row in rows
        ]
    return found


def _arguments(invariant: Invariant, mode: Mode) -> tuple[object, ...]:
    match invariant.name:
        case "no_status_outside_the_table":
            return [before for before, _ in _STEPS], [after for _, after in _STEPS]
        case "nobody_is_reminded_too_often":
            return (REMINDERS_PER_WEEK,)
        case "test_and_live_never_mix":
            return (mode is Mode.TEST,)
        case _:
            return ()
