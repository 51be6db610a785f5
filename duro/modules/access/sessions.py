"""Signing in by a link that works once, and the sessions that come of it; wall time rules both."""

from datetime import timedelta
from typing import Final

from duro.errors import NotFoundError
from duro.kit.call import Credential
from duro.kit.crypto import is_token, new_token, sha256
from duro.kit.db import CoreTx, Database
from duro.kit.ids import new_id
from duro.kit.json import is_storable
from duro.kit.modes import Mode
from duro.kit.pagination import Seek
from duro.modules.access.errors import SignInNeededError
from duro.modules.access.model import NewSession, Session
from duro.modules.access.repository import SessionRepository, SignInRepository

LINK_LIFE: Final = timedelta(minutes=10)
IDLE: Final = timedelta(minutes=10)
SESSION_LIFE: Final = timedelta(hours=12)
# A use is written down at most this often; so much earlier than after `IDLE` a session may be over.
_NOTED_EVERY: Final = timedelta(seconds=1)
_LINK: Final = "sil_"
_SESSION: Final = "sess_"
_USER_AGENT_MAX: Final = 200


async def make_link(
    tx: CoreTx, *, tenant_id: str, member_id: str, life: timedelta = LINK_LIFE
) -> str:
    """The token of a new link of an existing member; kept as its hash only."""
    token = new_token(_LINK)
    await SignInRepository(tx).add(
        tenant_id,
        member_id,
        new_id("sil", wall=tx.wall),
        digest=sha256(token),
        expires_at=tx.wall + life,
    )
    return token


async def sign_in(tx: CoreTx, *, link: str, user_agent: str | None) -> NewSession:
    """A new session of whoever has the link, which is used up. Raises `NotFoundError`."""
    found = await SignInRepository(tx).use(sha256(link)) if is_token(link, _LINK) else None
    if found is None:
        raise NotFoundError("This link was used already, or is too old.")
    token = new_token(_SESSION)
    session = Session(
        id=new_id("ses", wall=tx.wall),
        user_agent=_shortened(user_agent),
        created_at=tx.wall,
        last_used_at=tx.wall,
        expires_at=tx.wall + SESSION_LIFE,
    )
    await SessionRepository(tx).add(*found, session, digest=sha256(token))
    return NewSession(session, token)


async def authenticate(db: Database, token: str, mode: Mode) -> Credential:
    """Who is signed in, with what they may do at this moment; raises `SignInNeededError`.

    Not remembered between requests: a session that ends, or a role that changes, does so for the next one.
    """
    if not is_token(token, _SESSION):
        raise SignInNeededError("Sign in first.")
    async with db.core() as tx:
        sessions = SessionRepository(tx)
        used = await sessions.find(sha256(token), mode=mode, used_since=tx.wall - IDLE)
        if used is None:
            raise SignInNeededError("The session is over; sign in again.")
        if tx.wall - used.last_used_at >= _NOTED_EVERY:
            await sessions.note_use(used.credential.tenant.id, used.credential.session_id)
    return used.credential


async def list_sessions(
    tx: CoreTx, *, tenant_id: str, member_id: str, place: Seek
) -> list[Session]:
    """Those of one member that are going on, newest first."""
    return await SessionRepository(tx).page(tenant_id, member_id, place, used_since=tx.wall - IDLE)


async def revoke_session(tx: CoreTx, *, tenant_id: str, member_id: str, session_id: str) -> Session:
    """Opens nothing from the next request on. Raises `NotFoundError`."""
    session = await SessionRepository(tx).revoke(tenant_id, member_id, session_id)
    if session is None:
        raise NotFoundError("There is no such session, or it is over.")
    return session


async def revoke_all(tx: CoreTx, *, tenant_id: str, member_id: str) -> int:
    """How many sessions of the member are over by this, with all links that were not used."""
    await SignInRepository(tx).forget(tenant_id, member_id)
    return await SessionRepository(tx).revoke_all(tenant_id, member_id)


def _shortened(user_agent: str | None) -> str | None:
    if user_agent is None or not is_storable(user_agent):
        return None
    return user_agent[:_USER_AGENT_MAX]
