"""`duro messages`: what was written and what became of it, and a merchant's own words."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from duro.cli.frame import (
    AsJson,
    DataDir,
    ModeOption,
    TenantOption,
    new_group,
    run,
    say,
    with_example,
)
from duro.kit.modes import Mode
from duro.modules.messages.model import Channel, MessageStatus

if TYPE_CHECKING:
    from duro.modules.messages.model import Override

app = new_group(
    example="duro messages failed --mode live", text="Messages to customers, and their words."
)
_Key = Annotated[str, typer.Argument(help="Of the template, such as dunning_1.")]
_Language = Annotated[str, typer.Option("--language", help="en or pcm.")]


@with_example(app, "list", "duro messages list --status withheld")
def list_messages(
    status: Annotated[
        MessageStatus | None, typer.Option(help="Those alone.", show_default=False)
    ] = None,
    mode: ModeOption = Mode.TEST,
    tenant: TenantOption = None,
    *,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List what was written, newest first."""
    _list(status, mode, tenant, data_dir, as_json=as_json, empty="There is no such message.")


@with_example(app, "failed", "duro messages failed --mode live")
def failed(
    mode: ModeOption = Mode.TEST,
    tenant: TenantOption = None,
    *,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List what could not be sent, newest first."""
    _list(MessageStatus.FAILED, mode, tenant, data_dir, as_json=as_json, empty="Nothing failed.")


@with_example(app, "show", "duro messages show msg_01JD8X2Q7M3K9V5T1R4W6Y8Z0B")
def show(
    message_id: Annotated[str, typer.Argument(show_default=False)],
    *,
    html: Annotated[bool, typer.Option("--html", help="Print the HTML.")] = False,
    mode: ModeOption = Mode.TEST,
    tenant: TenantOption = None,
    data_dir: DataDir = None,
) -> None:
    """Print a message as its reader gets it, or would get it now."""
    from duro.runtime.target import opened

    async def main() -> None:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            seen = await session.system.wording.show(mode, owner.id, message_id)
        written, message = seen.written, seen.message
        if html:
            typer.echo(written.html)
            return
        why = f" ({message.last_error})" if message.last_error else ""
        to = message.address or message.customer_id
        typer.echo(f"To: {to}\nStatus: {message.status}{why}")
        typer.echo(f"Subject: {written.subject}\n\n{written.text}")

    run(main)


@with_example(app, "resend", "duro messages resend msg_01JD8X2Q7M3K9V5T1R4W6Y8Z0B")
def resend(
    message_ids: Annotated[list[str] | None, typer.Argument(show_default=False)] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All that failed.")] = False,
    mode: ModeOption = Mode.TEST,
    tenant: TenantOption = None,
    data_dir: DataDir = None,
) -> None:
    """Try failed messages once more."""
    from duro.runtime.target import opened

    if bool(message_ids) == every:
        raise typer.BadParameter("Name messages, or give --all.")

    async def main() -> None:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            wording, ids = session.system.wording, list(message_ids or [])
            if every:
                dead = await wording.list_newest(mode, owner.id, MessageStatus.FAILED)
                ids = [each.id for each in dead]
            queued = await wording.resend(mode, owner.id, ids)
        say(f"{queued} of {len(ids)} are queued again.")

    run(main)


@with_example(app, "words", "duro messages words --json")
def words(
    mode: ModeOption = Mode.TEST,
    tenant: TenantOption = None,
    *,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List the words of your own."""
    from duro.cli.output import show_rows
    from duro.runtime.target import opened

    async def main() -> None:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            found = await session.system.wording.list_all(mode, owner.id)
        empty = "None: every message says what Duro says."
        show_rows([_shown(each) for each in found], as_json=as_json, empty=empty)

    run(main)


@with_example(app, "write", "duro messages write dunning_1 --subject 'Dear {{customer_name}}'")
def write(
    key: _Key,
    language: _Language = "en",
    subject: Annotated[str | None, typer.Option(show_default=False)] = None,
    body: Annotated[
        Path | None,
        typer.Option(help="A file of HTML.", exists=True, dir_okay=False, show_default=False),
    ] = None,
    channel: Annotated[Channel | None, typer.Option(show_default=False)] = None,
    *,
    disabled: Annotated[
        bool, typer.Option("--disabled", help="Keep them, and say what Duro says.")
    ] = False,
    mode: ModeOption = Mode.TEST,
    tenant: TenantOption = None,
    data_dir: DataDir = None,
) -> None:
    """Say it in words of your own; what is not given is Duro's."""
    from duro.cli.output import show_one
    from duro.modules.messages.wording import OwnWords
    from duro.runtime.target import opened

    html = body.read_text(encoding="utf-8") if body is not None else None
    own = OwnWords(key, language, channel, subject, html, is_enabled=not disabled)

    async def main() -> None:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            kept = await session.system.wording.save(mode, owner.id, own)
        show_one(_shown(kept), as_json=True)

    run(main)


@with_example(app, "forget", "duro messages forget dunning_1 --language pcm")
def forget(
    key: _Key,
    language: _Language = "en",
    mode: ModeOption = Mode.TEST,
    tenant: TenantOption = None,
    data_dir: DataDir = None,
) -> None:
    """Say what Duro says again."""
    from duro.runtime.target import opened

    async def main() -> None:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            await session.system.wording.remove(mode, owner.id, key=key, language=language)
        say(f"{key} in {language} is Duro's again.")

    run(main)


@with_example(app, "preview", "duro messages preview receipt --language pcm")
def preview(
    key: _Key,
    language: _Language = "en",
    *,
    html: Annotated[bool, typer.Option("--html", help="Print the HTML.")] = False,
    mode: ModeOption = Mode.TEST,
    tenant: TenantOption = None,
    data_dir: DataDir = None,
) -> None:
    """Print a message as a made-up customer would read it."""
    from duro.runtime.target import opened

    async def main() -> None:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            seen = await session.system.wording.preview(mode, owner.id, key=key, language=language)
        typer.echo(seen.html if html else f"Subject: {seen.subject}\n\n{seen.text}")

    run(main)


@with_example(app, "test", "duro messages test receipt ada@example.com")
def send_test(
    key: _Key,
    address: Annotated[str, typer.Argument(help="An e-mail, or a phone number for WhatsApp.")],
    language: _Language = "en",
    mode: ModeOption = Mode.TEST,
    tenant: TenantOption = None,
    data_dir: DataDir = None,
) -> None:
    """Send a made-up message to somebody, as any other is sent."""
    from duro.runtime.target import opened

    async def main() -> None:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            await session.system.wording.send_test(
                mode, owner.id, key=key, language=language, address=address
            )
        say(f"{key} to {address} is queued.")

    run(main)


@with_example(app, "whatsapp", "duro messages whatsapp --json")
def whatsapp(*, as_json: AsJson = False) -> None:
    """List the templates to be approved by WhatsApp."""
    from duro.cli.output import show_rows
    from duro.modules.messages.texts import KEYS, LANGUAGES
    from duro.modules.messages.writing import CODES, LINKED, template_name, whatsapp_text

    rows = []
    for key in KEYS:
        for language in LANGUAGES:
            body, tags = whatsapp_text(key, language)
            is_code = key in CODES
            rows.append(
                {
                    "name": template_name(key, language),
                    "category": "AUTHENTICATION" if is_code else "UTILITY",
                    "language": "en",
                    "body": "" if is_code else body,
                    "places": ", ".join(("code",) if is_code else tags),
                    "button": "copy code" if is_code else "address" if key in LINKED else "",
                }
            )
    show_rows(rows, as_json=as_json, empty="")


def _list(
    status: MessageStatus | None,
    mode: Mode,
    tenant: str | None,
    data_dir: Path | None,
    *,
    as_json: bool,
    empty: str,
) -> None:
    from duro.cli.output import show_rows
    from duro.runtime.target import opened

    async def main() -> None:
        async with opened(data_dir) as session:
            owner = await session.choose_tenant(tenant)
            found = await session.system.wording.list_newest(mode, owner.id, status)
        rows = [
            {
                "id": each.id,
                "template": each.template,
                "to": each.address or each.customer_id,
                "status": each.status,
                "attempts": each.attempts,
                "why": each.last_error,
                "at": each.settled_at,
            }
            for each in found
        ]
        show_rows(rows, as_json=as_json, empty=empty)

    run(main)


def _shown(own: "Override") -> dict[str, object]:
    return {
        "key": own.key,
        "language": own.language,
        "channel": own.channel,
        "subject": own.subject,
        "body": own.body,
        "enabled": own.is_enabled,
        "updatedAt": own.updated_at,
    }
