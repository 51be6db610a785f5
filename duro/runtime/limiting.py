"""The rates of the settings, as the limiter takes them."""

from duro.kit.gcra import Rate
from duro.kit.limits import LimitClass, Limits
from duro.settings import LimitSettings


def limits_of(chosen: LimitSettings) -> Limits:
    """A class that nobody has held lower has no bucket of its own."""
    classes = {
        LimitClass.AUTH: Rate.per_second("auth", chosen.auth_per_s, chosen.auth_burst),
        LimitClass.PAY: Rate.per_second("pay", chosen.pay_per_s, chosen.pay_burst),
        LimitClass.SEND: Rate.per_minute("send", chosen.send_per_minute, chosen.send_burst),
    }
    if chosen.write_per_s is not None:
        rate = Rate.per_second("write", chosen.write_per_s, chosen.write_burst)
        classes[LimitClass.WRITE] = rate
    if chosen.money_per_s is not None:
        rate = Rate.per_second("money", chosen.money_per_s, chosen.money_burst)
        classes[LimitClass.MONEY] = rate
    return Limits(
        key=Rate.per_second("key", chosen.key_per_s, chosen.key_burst),
        address=Rate.per_second("ip", chosen.ip_per_s, chosen.ip_burst),
        classes=classes,
    )
