"""Owns what is told beside a decision: what else was considered, and what would have changed it."""

from dataclasses import replace
from types import MappingProxyType
from typing import Final

from duro.billing import wording
from duro.billing.case import Context
from duro.billing.chain import Hold, binding, holds, is_chargeable
from duro.billing.decision import Decision, Move, Rule
from duro.billing.rails import ORDER, PULL, Rail

# Why it is later than it would have been; for the end of a sentence.
HELD: Final = MappingProxyType(
    {
        Hold.CAP: "it must not be charged again before then",
        Hold.MANDATE: "the bank needs until then to know the mandate",
        Hold.FUNDS: "a failed debit would cost the customer a fee",
        Hold.QUIET: "nobody is disturbed at night",
    }
)

_SOONER: Final = MappingProxyType(
    {
        Hold.CAP: "Fewer charges of it lately would have let it come sooner.",
        Hold.MANDATE: "An older mandate would have let it come sooner.",
        Hold.FUNDS: "A payday since money was missing would have let it come sooner.",
        Hold.QUIET: "By day it would have come at once.",
    }
)

_WOULD_CHANGE: Final = MappingProxyType(
    {
        Rule.MAX_ATTEMPTS: "More tries in the recovery settings would have kept the case going.",
        Rule.NEW_CARD_NEEDED: "A new card or account is charged as soon as it is saved.",
        Rule.AUTO_RECOVERY_OFF: "With automatic recovery on, the next try would be planned.",
        Rule.NO_PAYMENT_METHOD: "A saved card or account would be charged at once.",
        Rule.REQUEST_EXPIRED: "The full amount before the request expired would have ended the case.",
        Rule.MANDATE_NOT_READY: "A mandate that the bank knows would have counted this as a try.",
        Rule.DO_NOT_HONOR_ONCE: "A second refusal would have moved the payment to another way.",
        Rule.HARD_DECLINE: "A refusal that allows another charge would have been tried again.",
        Rule.CHAIN_END: "Another way to pay that the customer has would have been tried first.",
        Rule.PAYDAY: "On a payday, or with payday waits off, the try would follow the usual steps.",
        Rule.PAYDAY_LEARNT: "Without a payday of their own the usual payday would be waited for.",
        Rule.DEBIT_AT_PAYDAY: "A card that can be charged would have been tried sooner.",
        Rule.ATTEMPT_CAP: "Fewer charges of it lately would have let it be charged.",
        Rule.LIMIT: "A smaller amount, or a higher limit at the bank, would have passed.",
        Rule.BACK_OFF: "Other offsets in the recovery settings would have moved the next try.",
        Rule.NOTHING_TO_PULL: "A saved card or account that can be charged would be tried again.",
        Rule.REMINDER: "A payment or a new card ends the wait.",
        Rule.DEADLINE: "A payment or a new card before the deadline would have ended the case.",
        Rule.ESCALATION: "More days before escalation would have left time for another try.",
        Rule.KEPT_PAST_DUE: "A payment or a new card ends the wait.",
    }
)

# What another move would have been, by rule.
_INSTEAD: Final = MappingProxyType(
    {
        Rule.NEW_CARD_NEEDED: "Another try of the same card: it would be declined again.",
        Rule.DO_NOT_HONOR_ONCE: "Another way to pay: a refusal like this often passes once more.",
        Rule.HARD_DECLINE: "Another try of the same card or account: banks do not allow it.",
        Rule.PAYDAY: "A try before payday: it would fail for want of money again.",
        Rule.PAYDAY_LEARNT: "A try before payday: it would fail for want of money again.",
        Rule.DEBIT_AT_PAYDAY: "A try before payday: it would fail for want of money again.",
        Rule.LIMIT: "A try today: the limit is used up.",
        Rule.MANDATE_NOT_READY: "A try at once: the bank would refuse it again.",
    }
)

_NO_OTHER_RAIL: Final = MappingProxyType(
    {
        Move.RETRY: "the next try needs nothing from the customer",
        Move.RETRY_PAYDAY: "the next try needs nothing from the customer",
        Move.SWITCH_RAIL: "it stands elsewhere in the merchant's order",
        Move.REQUEST_CARD_UPDATE: "a new card or account is asked for first",
        Move.REMIND: "the customer was already asked",
        Move.ESCALATE: "the tries are used up or come too late",
        Move.EXHAUST: "no try is left",
    }
)


def explained(context: Context, decision: Decision) -> Decision:
    """The decision with its alternatives and what would have changed it; the same otherwise."""
    rule = Rule(decision.rule)
    others = [
        f"{_capitalised(wording.rail_name(rail))}: {_why_not(context, rail, decision.move)}."
        for rail in ORDER
        if rail is not decision.rail
    ]
    instead = [_INSTEAD[rule]] if rule in _INSTEAD else []
    would_change = _WOULD_CHANGE[rule]
    if decision.rail is not None and decision.next_attempt_at is not None:
        hold = binding(context, decision.rail, decision.next_attempt_at)
        would_change = f"{would_change} {_SOONER[hold]}" if hold is not None else would_change
    return replace(decision, alternatives=(*instead, *others), would_change=would_change)


def _why_not(context: Context, rail: Rail, move: Move) -> str:
    if rail not in context.usable_rails:
        return "the customer does not have it"
    if rail not in context.settings.rails and rail is not context.rail:
        return "the merchant does not use it for recovery"
    if not is_chargeable(context, rail):
        return "it must not be charged again" if rail in PULL else "it had its turn"
    held = holds(context, rail)
    if held:
        return HELD[max((at, hold) for hold, at in held.items())[1]]
    return _NO_OTHER_RAIL.get(move, "another move was chosen")


def _capitalised(name: str) -> str:
    return name[0].upper() + name[1:]
