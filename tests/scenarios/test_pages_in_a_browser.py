"""The documentation in a browser: nothing is asked of another server, and what is tried is really sent."""

import json
from pathlib import Path

import pytest

from tests.support.browser import PROGRAM, Tab, browsing
from tests.support.system import Merchant

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium on this machine")
_BUTTON = "[...document.querySelectorAll('button')].find((each) => /{text}/.test(each.textContent))"


async def test_the_reference_shows_every_operation_and_sends_what_is_tried(
    merchant: Merchant, tmp_path: Path
) -> None:
    base = merchant.app.public_url or ""
    async with browsing(tmp_path) as tab:
        await tab.open(f"{base}/docs/api#tag/plans/POST/v1/plans")
        await tab.until("document.querySelector('input[placeholder=Token]')")
        shown = await _operations(tab)
        await _press(tab, "Test Request.*post /v1/plans\\)")
        await _give(tab, merchant.client.token or "")
        await _press(tab, "^\\s*Send\\s")
        await tab.until("document.body.textContent.includes('201 Created')")

    described = (await merchant.client.get("/openapi.json")).json
    plans = await merchant.items("/v1/plans")
    assert [plan["name"] for plan in plans] == ["Gold"]
    assert {each["summary"] for path in described["paths"].values() for each in path.values()} == (
        shown
    )
    assert ("POST", f"{base}/v1/plans") in tab.asked
    assert [url for _, url in tab.asked if not url.startswith((base, "data:", "blob:"))] == []
    assert tab.complaints == []


async def test_a_guide_adds_tabs_and_leads_to_the_anchor(
    merchant: Merchant, tmp_path: Path
) -> None:
    base = merchant.app.public_url or ""
    async with browsing(tmp_path) as tab:
        await tab.open(f"{base}/docs/errors#rate_limited")
        top = await tab.evaluate(
            "document.getElementById('rate_limited').getBoundingClientRect().top"
        )
        height = await tab.evaluate("innerHeight")
        await tab.open(f"{base}/docs/quick-start")
        await tab.until("document.querySelector('.copy')")
        tabs_elsewhere = await tab.evaluate("document.querySelectorAll('[role=tab]').length")
        await tab.open(f"{base}/docs/webhooks")
        await tab.until("document.querySelectorAll('[role=tab]').length === 3")
        await _press(tab, "^PHP$")
        seen = await tab.evaluate(
            "[...document.querySelectorAll('[role=tabpanel]')].map((each) => !each.hidden)"
        )

    assert 0 < top < height
    assert tabs_elsewhere == 0
    assert seen == [False, False, True]
    assert [url for _, url in tab.asked if not url.startswith(base)] == []
    assert tab.complaints == []


async def _give(tab: Tab, key: str) -> None:
    """Types the key into the dialog; it stands in the request's headers once the page has taken it."""
    field = "[...document.querySelectorAll('[role=dialog] input[placeholder=Token]')].at(-1)"
    await tab.until(f"{field} && ({field}.focus(), document.activeElement === {field})")
    await tab.type(key)
    await tab.until(f"{field}.value === {json.dumps(key)}")


async def _press(tab: Tab, text: str) -> None:
    button = _BUTTON.format(text=text.replace("/", "\\/"))
    await tab.until(button)
    await tab.evaluate(f"{button}.click()")


async def _operations(tab: Tab) -> set[str]:
    """What the side bar lists when every group is open."""
    await tab.evaluate(
        "[...document.querySelectorAll('button')]"
        ".filter((each) => /Open Group$/.test(each.textContent.trim()))"
        ".forEach((each) => each.click())"
    )
    await tab.until(
        "![...document.querySelectorAll('button')]"
        ".some((each) => /Open Group$/.test(each.textContent.trim()))"
    )
    listed = json.loads(
        await tab.evaluate(
            "JSON.stringify([...document.querySelectorAll('a, button')]"
            ".map((each) => each.textContent.trim())"
            ".filter((each) => /HTTP Method:/.test(each)))"
        )
    )
    return {each.partition("HTTP Method:")[0].strip() for each in listed}
