"""Sessions of the dashboard over HTTP: who is signed in, where else, and the end of it."""

from typing import Final

from duro.errors import NotFoundError
from duro.kit.call import SESSION_ONLY, Call
from duro.kit.pagination import ListQuery, Page
from duro.kit.registry import DoneByMembers, Routes
from duro.modules.access.model import Session
from duro.modules.access.session_schemas import SessionOut, SignedInOut, member_out, session_out
from duro.modules.access.sessions import list_sessions, revoke_session
from duro.modules.members.repository import MemberRepository

_OWN: Final[DoneByMembers] = {
    "permission": "read",
    "credential": SESSION_ONLY,
    "transaction": "own",
}
core_routes: Final = Routes(tag="Sessions")


@core_routes.get("/dashboard/api/session", **_OWN)
async def read_session(call: Call) -> SignedInOut:
    """Who is signed in, and what they may do."""
    async with call.db.core() as tx:
        member = await MemberRepository(tx, call.tenant.id).get(call.credential.id)
    credential = call.credential
    return SignedInOut(
        tenant_id=call.tenant.id,
        tenant_name=call.tenant.name,
        member=member_out(member),
        permissions=sorted(credential.permissions),
        session_id=credential.session_id,
        expires_at=credential.expires_at or call.wall,
    )


@core_routes.delete(
    "/dashboard/api/session",
    **_OWN,
    errors=(NotFoundError,),
)
async def sign_out(call: Call) -> SessionOut:
    """End the session that asks."""
    return await _revoke(call, call.credential.session_id)


@core_routes.get("/dashboard/api/sessions", **_OWN)
async def list_own_sessions(call: Call, query: ListQuery) -> Page[SessionOut]:
    """The sessions of the member who asks that are going on, newest first."""
    place = call.seek("sessions", query)
    async with call.db.core() as tx:
        found = await list_sessions(
            tx, tenant_id=call.tenant.id, member_id=call.credential.id, place=place
        )

    def present(session: Session) -> SessionOut:
        return session_out(session, current_id=call.credential.session_id)

    return place.page(found, present)


@core_routes.delete(
    "/dashboard/api/sessions/{id}",
    **_OWN,
    id_prefix="ses",
)
async def revoke_own_session(call: Call, session_id: str) -> SessionOut:
    """End one of the asking member's sessions."""
    return await _revoke(call, session_id)


async def _revoke(call: Call, session_id: str) -> SessionOut:
    async with call.db.core() as tx:
        session = await revoke_session(
            tx, tenant_id=call.tenant.id, member_id=call.credential.id, session_id=session_id
        )
    return session_out(session, current_id=call.credential.session_id)
