"""Sessions and who is signed in, as they go out."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from duro.kit.schema import Out
from duro.modules.access.model import Session
from duro.modules.members.model import Member, Role


class SessionOut(Out):
    id: str
    user_agent: str | None
    is_current: Annotated[bool, Field(description="Whether it is the one that asks.")]
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class MemberOut(Out):
    id: str
    email: str
    name: str | None
    role: Role
    created_at: datetime


class SignedInOut(Out):
    """Who asks, where, and what they may do there."""

    tenant_id: str
    tenant_name: str
    member: MemberOut
    permissions: list[str]
    session_id: str
    expires_at: datetime


def session_out(session: Session, *, current_id: str) -> SessionOut:
    return SessionOut(
        id=session.id,
        user_agent=session.user_agent,
        is_current=session.id == current_id,
        created_at=session.created_at,
        last_used_at=session.last_used_at,
        expires_at=session.expires_at,
        revoked_at=session.revoked_at,
    )


def member_out(member: Member) -> MemberOut:
    return MemberOut(
        id=member.id,
        email=member.email,
        name=member.name,
        role=member.role,
        created_at=member.created_at,
    )
