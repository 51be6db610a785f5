"""Signing in with a real browser: its rules for cookies on plain http of this machine, and for other origins."""

from pathlib import Path

import pytest

from duro.modules.members.model import Role
from tests.support.browser import PROGRAM, Tab, browsing
from tests.support.dashboard import running_office
from tests.support.system import settings_for

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium on this machine")
_ME = "/dashboard/api/session"


async def test_a_browser_keeps_the_cookie_and_gives_it_to_no_script_and_no_other_origin(
    database_url: str, redis_url: str, tenant: str, tmp_path: Path
) -> None:
    async with (
        running_office(settings_for(database_url, redis_url)) as office,
        browsing(tmp_path) as tab,
    ):
        member = await office.member(tenant, Role.OWNER, "ada@adunni.example")
        await tab.open(office.base + await office.link(tenant, member))
        landed = await tab.evaluate("location.pathname")
        greeted = await tab.evaluate("document.body.textContent")
        to_scripts = await tab.evaluate("document.cookie")
        # The pages' own policy lets them fetch nothing; here another rule is tried.
        await tab.command("Page.setBypassCSP", enabled=True)
        await tab.open(f"{office.base}/openapi.json")
        inside = await _status(tab, _ME, "GET")
        await tab.open(f"{office.app.public_url}/openapi.json")
        outside = await _status(tab, f"{office.base}{_ME}", "DELETE")
        simple = await _status(tab, f"{office.base}/sign-in/x", "POST")
        await tab.open(f"{office.base}/")
        after = await tab.evaluate("document.body.textContent")

    assert landed == "/"
    assert "ada@adunni.example" in greeted
    assert to_scripts == ""
    assert inside == 200
    assert (outside, simple) == (-1, -1)
    assert "ada@adunni.example" in after


async def _status(tab: Tab, url: str, method: str) -> int:
    """What a script gets to see; -1 where the browser refuses to ask, or to show it anything."""
    mode = "no-cors" if method == "POST" else "cors"
    await tab.evaluate(
        f"""window.seen = undefined; fetch({url!r}, {{method: {method!r}, credentials: 'include', mode: {mode!r}}})
            .then((answer) => {{ window.seen = answer.status; }}, () => {{ window.seen = -1; }})"""
    )
    await tab.until("window.seen !== undefined")
    found = await tab.evaluate("window.seen")
    assert isinstance(found, int)
    return found
