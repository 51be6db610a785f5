"""Owns the working of one simulated case: the product's decisions, step by step, against a world."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from duro.billing.case import Context, Settings
from duro.billing.decision import Decision, Move, Rule
from duro.billing.dunning import MIN_PULL_GAP, decide, decide_waiting, waiting_deadline
from duro.billing.failures import Category, NotADeclineError, classify, requires_new_card
from duro.billing.learning import MIN_SEEN, learn
from duro.billing.outcome import Answer, Known, Told, World
from duro.billing.pattern import UNKNOWN, PaydayPattern
from duro.billing.rails import PULL, Rail

Rulebook: TypeAlias = Callable[[Context], Decision]

# How long a made customer can pay a request.
REQUEST_LIFETIME: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """What answers the same question as the product: what follows this failure."""

    name: str
    settings: Settings = field(default_factory=Settings)
    rulebook: Rulebook = decide


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A renewal that has failed. Money counts as recovered before `ends_at` only, whoever works the case."""

    id: str
    amount_minor: int
    rail: Rail
    code: str
    failed_at: datetime
    ends_at: datetime
    zone: ZoneInfo
    usable_rails: tuple[Rail, ...]


@dataclass(frozen=True, slots=True)
class Try:
    """One charge or request as the product would have recorded it; no category: it was paid."""

    at: datetime
    rail: Rail
    token: int
    category: Category | None


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known of a customer besides the case: what was tried before it, and the public holidays."""

    past: Sequence[Try] = ()
    holidays: tuple[date, ...] = ()

    def payday(self, tries: Sequence[Try], *, zone: ZoneInfo, now: datetime) -> PaydayPattern:
        """As far as the charges until now tell it that hung on money."""
        outcomes = [
            (each.at, each.category is None)
            for each in (*self.past, *tries)
            if each.rail in PULL and each.category in (None, Category.INSUFFICIENT_FUNDS)
        ]
        if sum(not is_paid for _, is_paid in outcomes) < MIN_SEEN:
            # Nobody learns from less, and asking takes long.
            return UNKNOWN
        return learn(outcomes, zone=zone, now=now, holidays=self.holidays).pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a case. `known` is unknown where the world could not say; `tries` begin after the renewal."""

    case: Case
    known: Known
    paid_at: datetime | None
    contacts: int
    tries: tuple[Try, ...]

    @property
    def pulls(self) -> int:
        return sum(each.rail in PULL for each in self.tries)

    @property
    def requests(self) -> int:
        return len(self.tries) - self.pulls


def fixed_retries(context: Context) -> Decision:
    """The card again at each offset, whatever the bank said: how most billing systems do it."""
    n, settings = context.attempts_used, context.settings
    if n >= settings.max_attempts:
        return Decision(Move.EXHAUST, None, None, "All tries were made.", Rule.MAX_ATTEMPTS)
    due = context.first_failed_at + timedelta(hours=settings.offsets_hours[n])
    if context.last_pull_at is not None:
        due = max(due, context.last_pull_at + MIN_PULL_GAP)
    return Decision(Move.RETRY, max(due, context.now), context.rail, "Next try.", Rule.BACK_OFF)


FIXED: Final = Strategy(name="fixed", settings=Settings(payday_aware=False), rulebook=fixed_retries)
DOCUMENTED: Final = Strategy(name="documented")
LEARNT: Final = Strategy(name="learnt", settings=Settings(learn_payday=True))


def work(
    *, case: Case, strategy: Strategy, world: World, knowledge: Knowledge = Knowledge()
) -> Result:
    """Follows the strategy until the money is there, it gives up, or the case's time is over."""
    ladder = _Ladder(case, strategy, world, knowledge, now=case.failed_at)
    ladder.fail(case.rail, case.code)
    decision = strategy.rulebook(ladder.context())
    while decision.next_attempt_at is not None:
        ladder.tell(decision)
        at = max(decision.next_attempt_at, ladder.now)
        card_at = ladder.card_at()
        if min(at, card_at or at) >= case.ends_at:
            break
        if card_at is not None and card_at <= at:
            answer = ladder.charge_new_card(card_at)
        elif decision.rail is not None and decision.move in _TRIES:
            answer = ladder.attempt(decision.rail, at)
        else:
            decision = ladder.wait(decision, at)
            continue
        if answer.known is Known.PAID and answer.at < case.ends_at:
            return ladder.result(paid_at=answer.at)
        if answer.at >= case.ends_at:
            break
        decision = strategy.rulebook(ladder.context())
    return ladder.result(paid_at=None)


_TRIES: Final = frozenset(
    {Move.RETRY, Move.RETRY_PAYDAY, Move.MANUAL_RETRY, Move.SWITCH_RAIL, Move.AWAIT_PAYMENT}
)


def category_of(rail: Rail, code: str) -> Category:
    """Whatever a charge was given up with was no decline of the card, if it was no decline at all."""
    try:
        return classify(rail=rail, code=code).category
    except NotADeclineError:
        return Category.PROCESSOR_ERROR


@dataclass(slots=True)
class _Ladder:
    """A case under way, with what the product would know of it."""

    case: Case
    strategy: Strategy
    world: World
    knowledge: Knowledge
    now: datetime
    rail: Rail = Rail.CARD
    code: str = ""
    category: Category = Category.PROCESSOR_ERROR
    token: int = 0
    failures: list[Try] = field(default_factory=list[Try])
    tries: list[Try] = field(default_factory=list[Try])
    told: list[Told] = field(default_factory=list[Told])
    deadline_at: datetime | None = None
    is_uncertain: bool = False

    def context(self, *, is_waiting: bool = False) -> Context:
        """What the product puts before the decision, nothing more."""
        pulls = [past.at for past in self.failures if past.rail in PULL]
        short = [past for past in self.failures if past.category is Category.INSUFFICIENT_FUNDS]
        same = [
            past
            for past in self.failures
            if past.rail is self.rail and past.category is self.category
        ]
        settings = self.strategy.settings
        return Context(
            now=self.now,
            zone=self.case.zone,
            settings=settings,
            rail=None if is_waiting else self.rail,
            code=self.code,
            category=self.category,
            attempts_made=len(self.failures),
            first_failed_at=self.case.failed_at,
            last_pull_at=pulls[-1] if pulls else None,
            same_category_failures=max(len(same), 1),
            usable_rails=self.case.usable_rails,
            spent_rails=frozenset(past.rail for past in self.failures if self._is_spent(past)),
            pulled_rails=frozenset(past.rail for past in self.failures if past.rail in PULL),
            funds_short_at=short[-1].at if short else None,
            payday=self._payday() if settings.learn_payday else None,
            holidays=self.knowledge.holidays,
        )

    def fail(self, rail: Rail, code: str) -> None:
        self.rail, self.code = rail, code
        self.category = category_of(rail, code)
        self.failures.append(Try(self.now, rail, self.token, self.category))

    def tell(self, decision: Decision) -> None:
        """Each step is told to the customer once, as the product does."""
        if not self.strategy.settings.is_quiet:
            self.told.append(Told(self.now, decision.move))

    def card_at(self) -> datetime | None:
        """When a card that the customer gives instead of the first one can be charged."""
        if self.token or not self.told:
            return None
        answer = self.world.new_card(told=self.told)
        if answer is None:
            return None
        if answer.known is Known.UNKNOWN:
            self.is_uncertain = True
            return None
        return max(answer.at, self.now)

    def charge_new_card(self, at: datetime) -> Answer:
        self.token, self.deadline_at = 1, None
        return self.attempt(Rail.CARD, at)

    def attempt(self, rail: Rail, at: datetime) -> Answer:
        """A charge, or a request until it is paid or expires; a failure is recorded as the case's latest."""
        if rail in PULL:
            answer = self.world.charge(rail=rail, token=self._token_of(rail), at=at)
        else:
            answer = self.world.request(rail=rail, at=at, expires_at=at + REQUEST_LIFETIME)
        is_paid = answer.known is Known.PAID
        self.now, code = answer.at, answer.code
        if answer.known is Known.UNKNOWN:
            # Nobody knows; the case goes on as if it had failed like before, and says so in the end.
            self.is_uncertain, code = True, answer.code or self.code
        if not is_paid:
            self.fail(rail, code)
        category = None if is_paid else self.category
        self.tries.append(Try(at, rail, self._token_of(rail), category))
        return answer

    def wait(self, decision: Decision, at: datetime) -> Decision:
        """The customer is waited for: what follows at the next step."""
        if decision.move is Move.REQUEST_CARD_UPDATE:
            self.deadline_at = waiting_deadline(context=self.context())
        elif decision.move is Move.ESCALATE:
            self.deadline_at = at
        elif decision.rule == Rule.KEPT_PAST_DUE:
            self.deadline_at = None
        self.now = at
        return decide_waiting(context=self.context(is_waiting=True), deadline_at=self.deadline_at)

    def result(self, *, paid_at: datetime | None) -> Result:
        known = Known.UNKNOWN if self.is_uncertain else Known.DECLINED
        return Result(
            case=self.case,
            known=Known.PAID if paid_at else known,
            paid_at=paid_at,
            contacts=len(self.told),
            tries=tuple(self.tries),
        )

    def _payday(self) -> PaydayPattern:
        return self.knowledge.payday(self.failures, zone=self.case.zone, now=self.now)

    def _token_of(self, rail: Rail) -> int:
        return self.token if rail is Rail.CARD else 0

    def _is_spent(self, past: Try) -> bool:
        """A dead token is never charged again."""
        is_dead = past.category is Category.HARD_DECLINE or (
            past.category is not None and requires_new_card(past.category)
        )
        return past.rail in PULL and is_dead and past.token == self._token_of(past.rail)
