"""What the pay page says of one invoice: its lines, its details and the ways to pay that it offers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from duro.billing.failures import Category, customer_words
from duro.billing.money import format_minor
from duro.billing.rails import PULL, Rail
from duro.billing.states import Status
from duro.modules.charging.paying import Look, PayState
from duro.modules.payments.model import Attempt, PaymentRequest
from duro.runtime.paywords import Words

_OFFERING: Final = frozenset({PayState.DUE, PayState.DECLINED, PayState.REFUSED, PayState.EXPIRED})
_LIVELY: Final = frozenset({PayState.WORKING, PayState.PREPARING, PayState.PENDING})
_TOO_OFTEN: Final = "attempt_cap"


@dataclass(frozen=True, slots=True)
class View:
    """One page, in words. `mark` changes whenever there is something new to see."""

    state: PayState
    title: str
    lines: tuple[str, ...]
    sums: Mapping[str, str]
    ussd: str | None
    details: Mapping[str, str]
    rails: tuple[Rail, ...]
    mark: str

    @property
    def is_lively(self) -> bool:
        return self.state in _LIVELY

    @property
    def may_look(self) -> bool:
        """Whether a look at the gateway could find money."""
        return self.state in (PayState.PENDING, PayState.EXPIRED)


def view_of(look: Look, words: Words) -> View:
    state = look.state
    request = look.request if state is PayState.PENDING else None
    amount = _money(look, _asked(look))
    return View(
        state=state,
        title=words.say(f"title_{state.value}", amount=amount),
        lines=tuple(_lines(look, words)),
        sums=_sums(look, words),
        ussd=request.details.get("ussd") if request else None,
        details=dict(_details(look, words, request)) if request else {},
        rails=tuple(look.rails) if state in _OFFERING else (),
        mark=mark_of(look),
    )


def mark_of(look: Look) -> str:
    """Tells whether a page that is open somewhere is still right."""
    return f"{look.state.value}-{look.invoice.received_minor}"


def period_of(look: Look, words: Words) -> str | None:
    """The days that the invoice pays for, where a payment now would be for those."""
    invoice = look.invoice
    is_first = look.subscription.status is Status.INCOMPLETE
    if is_first or invoice.period_ends_at <= look.now:
        return None
    return words.say(
        "period",
        **{
            "from": words.date(invoice.period_starts_at, look.zone),
            "to": words.date(invoice.period_ends_at, look.zone),
        },
    )


def _lines(look: Look, words: Words) -> Iterator[str]:
    plan, merchant = look.plan.name, look.merchant
    match look.state:
        case PayState.DUE:
            yield _why(look, words)
        case PayState.PAID:
            yield from _after_paying(look, words)
        case PayState.DECLINED:
            yield words.say("declined", cause=_cause(look.attempt, words))
        case PayState.PENDING:
            yield from _how(look, words)
        case PayState.CLOSED:
            yield words.say("closed", plan=plan)
        case PayState.CHECKING:
            yield words.say("checking", merchant=merchant)
        case (
            PayState.VOID
            | PayState.WORKING
            | PayState.REFUSED
            | PayState.PREPARING
            | PayState.EXPIRED
        ) as other:
            yield words.say(other.value)


def _why(look: Look, words: Words) -> str:
    failed = look.latest_failure
    if failed is not None and failed.rail in PULL:
        return words.say("due_failed", cause=_cause(failed, words))
    if look.subscription.status is Status.INCOMPLETE:
        return words.say("due_first", plan=look.plan.name)
    return words.say("due_open")


def _cause(attempt: Attempt | None, words: Words) -> str:
    if attempt is not None and attempt.failure_code == _TOO_OFTEN:
        return words.say("declined_too_often")
    category = attempt.failure_category if attempt else None
    return customer_words(category or Category.PROCESSOR_ERROR, words.code)


def _after_paying(look: Look, words: Words) -> Iterator[str]:
    invoice, row, plan = look.invoice, look.subscription, look.plan.name
    yield words.say(
        "paid",
        merchant=look.merchant,
        amount=_money(look, invoice.amount_minor),
        date=words.date(invoice.paid_at or look.now, look.zone),
    )
    if row.status is Status.ACTIVE and row.period_ends_at is not None:
        key = "paid_ends" if row.cancel_at_period_end else "paid_renews"
        yield words.say(key, plan=plan, date=words.date(row.period_ends_at, look.zone))
    tried = look.attempt
    if (
        tried is not None
        and tried.keeps_method
        and tried.payment_method_id == row.payment_method_id
    ):
        yield words.say("paid_keeps", plan=plan)


def _how(look: Look, words: Words) -> Iterator[str]:
    request = look.request
    if request is None:
        return
    rest = _money(look, _asked(look))
    key = "pending_ussd" if request.rail is Rail.USSD else "pending_account"
    yield words.say(key, amount=rest, until=words.moment(request.expires_at, look.zone))
    if request.received_minor:
        yield words.say("part", received=_money(look, request.received_minor), amount=rest)


def _sums(look: Look, words: Words) -> dict[str, str]:
    """Only where a part has come: else the title says it all."""
    invoice = look.invoice
    if not (invoice.is_payable and invoice.received_minor):
        return {}
    return {
        words.say("total"): _money(look, invoice.amount_minor),
        words.say("received"): _money(look, invoice.received_minor),
        words.say("rest"): _money(look, invoice.owed_minor),
    }


def _details(look: Look, words: Words, request: PaymentRequest) -> Iterator[tuple[str, str]]:
    names = {"bankName": "bank", "accountNumber": "account_number", "accountName": "account_name"}
    for name, key in names.items():
        if name in request.details:
            yield words.say(key), request.details[name]
    yield words.say("amount"), _money(look, _asked(look))
    yield words.say("reference"), request.reference


def _asked(look: Look) -> int:
    """What is to be sent: never more than is still owed, whatever a request asked for at first."""
    return look.invoice.owed_minor or look.invoice.amount_minor


def _money(look: Look, amount_minor: int) -> str:
    return format_minor(amount_minor, look.invoice.currency)
