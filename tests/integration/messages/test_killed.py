"""Kills the sender with SIGKILL while it sends: every message arrives, and a repeat has the same id."""

import asyncio
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Final

from duro.modules.messages.model import MessageStatus
from tests.integration.messages.conftest import Post
from tests.support.mail import PostBox

_ROOT: Final = Path(__file__).resolve().parents[3]
_MESSAGES: Final = 6


async def _start(post: Post, box: PostBox, database_url: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.mail_child", database_url, post.tenant_id),
        *(str(box.port), post.clock.wall().isoformat()),
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
    )


async def test_killed_between_send_and_record_everything_arrives_and_repeats_have_the_same_id(
    post: Post, box: PostBox, database_url: str
) -> None:
    for _ in range(_MESSAGES):
        await post.queue()
    box.holding = asyncio.Event()
    child = await _start(post, box, database_url)
    async with asyncio.timeout(30):
        while len(box.arrived) < _MESSAGES:
            await asyncio.sleep(0.02)
    child.kill()
    await child.wait()
    box.holding.set()
    box.holding = None
    held = {each.status for each in await post.messages()}

    post.wait(seconds=91)
    await post.send()

    arrived = Counter(str(each["Message-ID"]) for each in box.messages)
    rows = await post.messages()
    assert held == {MessageStatus.SENDING}
    assert arrived == {f"<{each.id}@pay.example>": 2 for each in rows}
    assert {each.status for each in rows} == {MessageStatus.SENT}
    assert {each.attempts for each in rows} == {1}


async def test_killed_at_any_moment_nothing_is_lost(
    post: Post, box: PostBox, database_url: str
) -> None:
    for _ in range(_MESSAGES):
        await post.queue()
    for pause_s in (0.4, 0.7, 0.9):
        child = await _start(post, box, database_url)
        await asyncio.sleep(pause_s)
        if child.returncode is None:
            child.kill()
        await child.wait()
        post.wait(seconds=91)

    await post.send()

    rows = await post.messages()
    assert {each.status for each in rows} == {MessageStatus.SENT}
    assert {str(each["Message-ID"]) for each in box.messages} == {
        f"<{each.id}@pay.example>" for each in rows
    }
