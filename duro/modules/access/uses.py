"""When each key was last used: remembered in the process, written by a task of its own."""

import asyncio
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final, Self

import structlog

from duro.errors import UnavailableError
from duro.kit.call import Credential
from duro.kit.db import Database
from duro.modules.access.repository import ApiKeyRepository

log = structlog.get_logger(__name__)

# A key is written at most this often; the statement holds other processes to the same.
_EVERY: Final = timedelta(minutes=1)
_KNOWN_MAX: Final = 4096
# Keys that are used within this time share a statement.
_GATHER_S: Final = 0.5
_LAST_WRITE_S: Final = 1.0


class KeyUses:
    """Notes uses without waiting for anything; a use that cannot be written is lost."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._noted: OrderedDict[str, datetime] = OrderedDict()
        self._unwritten: dict[tuple[str, str], datetime] = {}
        self._news = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._write_for_ever(), name="key uses")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait([self._writer])
        try:
            async with asyncio.timeout(_LAST_WRITE_S):
                await self._write()
        except (UnavailableError, TimeoutError):
            return

    def note(self, credential: Credential, at: datetime) -> None:
        last = self._noted.get(credential.id)
        if last is not None and at - last < _EVERY:
            return
        self._noted[credential.id] = at
        self._noted.move_to_end(credential.id)
        if len(self._noted) > _KNOWN_MAX:
            self._noted.popitem(last=False)
        self._unwritten[credential.tenant.id, credential.id] = at
        self._news.set()

    async def _write_for_ever(self) -> None:
        while True:
            await self._news.wait()
            await asyncio.sleep(_GATHER_S)
            self._news.clear()
            try:
                await self._write()
            except UnavailableError as error:
                log.warning("key_uses_lost", reason=str(error))

    async def _write(self) -> None:
        uses, self._unwritten = self._unwritten, {}
        if uses:
            async with self._db.core() as tx:
                await ApiKeyRepository(tx).note_uses(uses)
