"""The generic cell rate algorithm: how often something may be done, kept and decided in Redis.

A bucket is one number: the instant at which it will be full again. Each admitted request moves that instant by one
interval; a request that would move it further than the burst allows is refused and moves nothing. Everything is whole
microseconds, which a double of Lua holds exactly until the year 2255.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

_SECOND_US: Final = 1_000_000
_MINUTE_US: Final = 60 * _SECOND_US

# ARGV[1] is the present in microseconds, or empty for that of Redis, which all processes share; then interval and burst
# of each key. All buckets are asked before any is charged. Answers whether all admit, then each one's debt and wait.
SCRIPT: Final = """
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local debts, answer, admitted = {}, {1}, true
for i, key in ipairs(KEYS) do
  local interval, burst = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local full_at = tonumber(redis.call('GET', key) or '') or now
  local debt = math.min(math.max(full_at - now, 0), interval * burst)
  local wait = math.max(debt + interval - interval * burst, 0)
  debts[i] = debt
  answer[2 * i], answer[2 * i + 1] = debt, wait
  admitted = admitted and wait == 0
end
if not admitted then
  answer[1] = 0
  return answer
end
for i, key in ipairs(KEYS) do
  local debt = debts[i] + tonumber(ARGV[2 * i])
  answer[2 * i] = debt
  redis.call('SET', key, string.format('%.0f', now + debt), 'PX', math.ceil(debt / 1000))
end
return answer
"""
_SHA: Final = hashlib.sha1(SCRIPT.encode()).hexdigest()  # noqa: S324 - Redis names scripts so


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` requests at once, and one more each `interval_us`; `name` is that of the policy."""

    name: str
    burst: int
    interval_us: int

    @classmethod
    def per_second(cls, name: str, per_s: int, burst: int) -> "Rate":
        """The interval rounds up, so that never more than `per_s` pass."""
        return cls(name, burst, -(-_SECOND_US // per_s))

    @classmethod
    def per_minute(cls, name: str, per_minute: int, burst: int) -> "Rate":
        """The same by the minute."""
        return cls(name, burst, -(-_MINUTE_US // per_minute))

    @property
    def window_s(self) -> int:
        """Seconds in which an empty bucket becomes full, rounded up."""
        return -(-self.burst * self.interval_us // _SECOND_US)


@dataclass(frozen=True, slots=True)
class Bucket:
    """What one `owner` has left of a rate."""

    rate: Rate
    owner: str

    @property
    def key(self) -> str:
        # The braces keep an owner's buckets on one node of a Redis cluster, as a script demands.
        return f"duro:limit:{{{self.owner}}}:{self.rate.name}"


@dataclass(frozen=True, slots=True)
class Standing:
    """A bucket after a request: microseconds until it is full, and until it admits again (0: it does)."""

    rate: Rate
    debt_us: int
    wait_us: int

    @property
    def remaining(self) -> int:
        """How many requests it would admit at once."""
        return (self.rate.burst * self.rate.interval_us - self.debt_us) // self.rate.interval_us

    @property
    def reset_s(self) -> int:
        return -(-self.debt_us // _SECOND_US)

    @property
    def retry_s(self) -> int:
        return -(-self.wait_us // _SECOND_US)


async def spend(
    redis: Redis, asked: Sequence[Sequence[Bucket]], *, now_us: int | None = None
) -> list[list[Standing]]:
    """One request against each group of buckets, all in one round trip; a group is admitted whole or not at all."""
    answers = await _run(redis, asked, now_us)
    if any(isinstance(answer, NoScriptError) for answer in answers):
        # A Redis that was restarted or flushed: nothing of this round trip has happened but what has an answer.
        await redis.script_load(SCRIPT)
        missing = [i for i, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        again = await _run(redis, [asked[i] for i in missing], now_us)
        for i, answer in zip(missing, again, strict=True):
            answers[i] = answer
    found = []
    for buckets, answer in zip(asked, answers, strict=True):
        if isinstance(answer, BaseException):
            raise answer
        found.append(_standings(buckets, answer))
    return found


async def _run(
    redis: Redis, asked: Sequence[Sequence[Bucket]], now_us: int | None
) -> list[list[int] | BaseException]:
    now = "" if now_us is None else str(now_us)
    pipe = redis.pipeline(transaction=False)
    for buckets in asked:
        keys = [bucket.key for bucket in buckets]
        rates = [n for b in buckets for n in (str(b.rate.interval_us), str(b.rate.burst))]
        pipe.evalsha(_SHA, len(keys), *keys, now, *rates)
    answers: list[list[int] | BaseException] = await pipe.execute(raise_on_error=False)
    return answers


def _standings(buckets: Sequence[Bucket], answer: Sequence[int]) -> list[Standing]:
    pairs = zip(answer[1::2], answer[2::2], strict=True)
    return [
        Standing(bucket.rate, debt, wait)
        for bucket, (debt, wait) in zip(buckets, pairs, strict=True)
    ]
