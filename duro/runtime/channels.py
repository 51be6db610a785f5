"""The channels that the settings name."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from pydantic import SecretStr

from duro.adapters.smtp import MailServer, SmtpMailer, demand_address
from duro.adapters.whatsapp import CloudApi
from duro.kit.clock import Clock
from duro.kit.db import Database
from duro.modules.messages.channels import Channels
from duro.modules.messages.links import OptOutLinks
from duro.modules.messages.receipts import Receipts
from duro.runtime.errors import StartError
from duro.settings import Settings

_OPT_OUT_KEY: Final = b"duro message opt-outs"


def opt_out_links(public_url: str, master_key: bytes) -> OptOutLinks:
    return OptOutLinks(public_url, hmac.digest(master_key, _OPT_OUT_KEY, hashlib.sha256))


@asynccontextmanager
async def open_channels(settings: Settings, clock: Clock) -> AsyncIterator[Channels]:
    """Raises `StartError` for settings that say only half of what is needed."""
    mailer, cloud = _mailer(settings, clock), _cloud(settings)
    try:
        yield Channels(mailer, cloud, is_caught=settings.mail.catch)
    finally:
        if mailer is not None:
            await mailer.close()
        if cloud is not None:
            await cloud.close()


def receipts_of(settings: Settings, db: Database) -> Receipts:
    chosen = settings.whatsapp
    return Receipts(db, _told(chosen.app_secret), _told(chosen.verify_token))


def _mailer(settings: Settings, clock: Clock) -> SmtpMailer | None:
    url, sender = _told(settings.mail.url), settings.mail.sender
    if url is None:
        return None
    if sender is None:
        raise StartError(
            "mail.url is set and mail.sender is not: whose address does mail come from?"
        )
    try:
        demand_address(sender)
        return SmtpMailer(MailServer.read(url), sender, clock)
    except ValueError as error:
        raise StartError(f"mail.url or mail.sender: {error}") from error


def _cloud(settings: Settings) -> CloudApi | None:
    chosen = settings.whatsapp
    token = _told(chosen.token)
    if token is None:
        return None
    if chosen.phone_number_id is None:
        raise StartError("whatsapp.token is set and whatsapp.phone_number_id is not.")
    return CloudApi(chosen.base_url, chosen.phone_number_id, token)


def _told(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None
