"""Changes a merchant's recovery settings, version by version."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from duro.billing.rails import Rail
from duro.errors import Detail, InvalidError
from duro.kit.db import Tx
from duro.modules.recovery.model import RecoverySettings, SettingsVersion
from duro.modules.recovery.repository import add_settings, lock_settings
from duro.modules.recovery.schemas import RecoverySettingsPatch
from duro.modules.subscriptions.repository import ReplanRepository

_RAILS: Final = "rails"
_OFFSETS: Final = "retry_offsets_hours"


async def change_settings(tx: Tx, body: RecoverySettingsPatch) -> SettingsVersion:
    """The settings after the change; what changes nothing makes no version. Raises `InvalidError`."""
    current = await lock_settings(tx)
    wanted = changed_by(body, current.settings)
    if wanted == current.settings:
        return current
    changed = SettingsVersion(current.version + 1, wanted, tx.now)
    await add_settings(tx, changed)
    if _moves_reminders(current.settings, wanted):
        await ReplanRepository(tx).ask()
    return changed


def _moves_reminders(before: RecoverySettings, after: RecoverySettings) -> bool:
    is_begun = after.renewal_reminders and not before.renewal_reminders
    return is_begun or after.renewal_reminder_days != before.renewal_reminder_days


def changed_by(body: RecoverySettingsPatch, settings: RecoverySettings) -> RecoverySettings:
    """The settings with what `body` gives. Raises `InvalidError`."""
    given = body.changes()
    if _RAILS in given:
        given[_RAILS] = tuple(Rail(name) for name in given[_RAILS])
    if _OFFSETS in given:
        given[_OFFSETS] = tuple(given[_OFFSETS])
    wanted = replace(settings, **given)
    _demand_sense(wanted, given)
    return wanted


def _demand_sense(wanted: RecoverySettings, given: Mapping[str, Any]) -> None:
    """What no single field shows; every such field is named."""
    refused: list[Detail] = []
    offsets = wanted.retry_offsets_hours
    if offsets[0] != 0 or list(offsets) != sorted(set(offsets)):
        refused.append(Detail("retryOffsetsHours", "Must begin with 0 and rise."))
    if wanted.max_attempts > len(offsets):
        path = "maxAttempts" if "max_attempts" in given else "retryOffsetsHours"
        refused.append(Detail(path, "Each of maxAttempts needs an entry in retryOffsetsHours."))
    if len(set(wanted.rails)) != len(wanted.rails):
        refused.append(Detail("rails", "Must not name a rail twice."))
    if not refused:
        # The engine has the last word, whatever the quiet settings leave unused.
        refused += _engine_refusal(replace(wanted, dunning_enabled=True))
    if refused:
        raise InvalidError("The settings do not fit together.", details=refused)


def _engine_refusal(wanted: RecoverySettings) -> list[Detail]:
    try:
        wanted.plan()
    except ValueError as error:
        return [Detail("", f"{str(error).capitalize()}.")]
    return []
