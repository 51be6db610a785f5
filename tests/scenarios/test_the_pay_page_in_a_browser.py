"""The pay page in a browser, narrow and wide: by keyboard alone, within the strict policy, readable, never too wide."""

import base64
import os
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.browser import PROGRAM, Tab, browsing
from tests.support.stories import Story

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium on this machine")

# Where pictures of the pages go, for whoever wants to look at them.
_PICTURES: Final = os.environ.get("DURO_TEST_PICTURES")
_WIDTHS: Final = (375, 1200)
# Every field has a name to be read out, every page one heading of the first level and a language.
_UNNAMED: Final = """[...document.querySelectorAll('select, input:not([type=hidden]), button, a')]
    .filter((each) => !(each.labels?.length || each.textContent.trim())).length"""
_CONTRAST: Final = """(() => {
  const lightness = (text) => {
    const [r, g, b] = text.match(/[\\d.]+/g).map((part) => part / 255)
      .map((part) => part <= .03928 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ground = (each) => {
    const own = getComputedStyle(each).backgroundColor;
    return own === 'rgba(0, 0, 0, 0)' && each.parentElement ? ground(each.parentElement) : own;
  };
  return Math.min(...[...document.querySelectorAll('main *, header *')]
    .filter((each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .map((each) => {
      const [a, b] = [getComputedStyle(each).color, ground(each)].map(lightness);
      return (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    }));
})()"""


@pytest.fixture(params=_WIDTHS)
def width(request: pytest.FixtureRequest) -> int:
    chosen: int = request.param
    return chosen


async def test_a_customer_pays_by_keyboard_after_a_decline(
    story: Story, tmp_path: Path, width: int
) -> None:
    due = await _owing(story)
    async with browsing(tmp_path) as tab:
        await _resize(tab, width)
        await tab.open(due["payUrl"])
        await _looks_right(tab, f"due-{width}")
        await _choose_and_pay(tab, "pm_test_stolen")
        await tab.until("document.querySelector('h1.declined')")
        await _looks_right(tab, f"declined-{width}")
        await _choose_and_pay(tab, "pm_test_ok")
        await tab.until("document.querySelector('h1.paid')")
        await _looks_right(tab, f"paid-{width}")

    assert tab.complaints == []
    assert (await story.merchant.subscription(due["id"]))["status"] == "active"


async def test_a_page_that_waits_sees_the_money_by_itself(
    story: Story, tmp_path: Path, width: int
) -> None:
    due = await _owing(story)
    async with browsing(tmp_path) as tab:
        await _resize(tab, width)
        await tab.open(f"{due['payUrl']}?lang=pcm")
        await _looks_right(tab, f"due-pidgin-{width}")
        await _press(tab, "form input[value=ussd] ~ button")
        await tab.until("document.querySelector('a[href^=\"tel:\"]')")
        await _looks_right(tab, f"ussd-pidgin-{width}")
        await tab.open(due["payUrl"])
        await _press(tab, "form input[value=transfer] ~ button")
        await tab.until("document.querySelector('dl.details')")
        await _looks_right(tab, f"transfer-{width}")
        await _press(tab, "form[action*='/check'] button")
        await tab.until("document.querySelector('.notice')")
        await _looks_right(tab, f"looked-{width}")
        await _pay_transfer(story)
        await tab.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        await tab.until("document.querySelector('h1.paid')")

    asked = [url for _, url in tab.asked]
    base = story.merchant.app.public_url or ""
    assert [url for url in asked if not url.startswith(base)] == []
    assert tab.complaints == []


async def test_a_part_and_the_end_of_a_link_are_told(
    story: Story, tmp_path: Path, width: int
) -> None:
    due = await _owing(story)
    async with browsing(tmp_path) as tab:
        await _resize(tab, width)
        await tab.open(due["payUrl"])
        await _press(tab, "form input[value=transfer] ~ button")
        await tab.until("document.querySelector('dl.details')")
        await _pay_transfer(story, amount=200_000)
        await tab.open(due["payUrl"])
        await _looks_right(tab, f"part-{width}")
        await tab.open(f"{due['payUrl']}x")
        await _looks_right(tab, f"wrong-{width}")

    assert _complaints(tab) == []


def _complaints(tab: Tab) -> list[str]:
    """Without the browser's own word on an answer that is to be 404."""
    return [each for each in tab.complaints if "404" not in each]


async def _owing(story: Story) -> dict[str, Any]:
    made = await story.active("pm_test_insufficient_funds")
    await story.merchant.advance(by="P1M")
    return await story.merchant.subscription(made["id"])


async def _pay_transfer(story: Story, **body: object) -> None:
    (row,) = await story.query("SELECT id FROM payment_requests WHERE rail = 'transfer'")
    path = f"/v1/test/payment-requests/{row['id']}/pay"
    assert (await story.merchant.client.post(path, body or None)).status == 200


async def _resize(tab: Tab, width: int) -> None:
    await tab.command(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=800,
        deviceScaleFactor=1,
        mobile=width < 600,
    )


async def _looks_right(tab: Tab, name: str) -> None:
    """Nothing sticks out, everything can be read, has a name, and is big enough for a thumb."""
    overflow = await tab.evaluate("document.documentElement.scrollWidth - innerWidth")
    headings = await tab.evaluate("document.querySelectorAll('h1').length")
    language = await tab.evaluate("document.documentElement.lang")
    unnamed = await tab.evaluate(_UNNAMED)
    lowest = await tab.evaluate(
        "Math.min(99, ...[...document.querySelectorAll('button, select, .button')]"
        ".map((each) => each.getBoundingClientRect().height))"
    )
    contrast = min([await _contrast(tab, scheme) for scheme in ("dark", "light")])
    if _PICTURES:
        taken = await tab.command("Page.captureScreenshot", captureBeyondViewport=True)
        Path(_PICTURES, f"{name}.png").write_bytes(base64.b64decode(taken["data"]))
    assert overflow <= 0, name
    assert (headings, unnamed) == (1, 0), name
    assert language in ("en", "pcm"), name
    assert lowest >= 44, name
    # Level AA of WCAG 2.2 for text of any size.
    assert contrast >= 4.5, name


async def _contrast(tab: Tab, scheme: str) -> float:
    feature = {"name": "prefers-color-scheme", "value": scheme}
    await tab.command("Emulation.setEmulatedMedia", features=[feature])
    if _PICTURES and scheme == "dark":
        taken = await tab.command("Page.captureScreenshot", captureBeyondViewport=True)
        Path(_PICTURES, "dark.png").write_bytes(base64.b64decode(taken["data"]))
    return float(await tab.evaluate(_CONTRAST))


async def _choose_and_pay(tab: Tab, card: str) -> None:
    """Tab to the card, type its name, tab to the button, Enter."""
    await tab.evaluate("document.activeElement?.blur()")
    await _tab_to(tab, "SELECT")
    shown = await tab.evaluate("getComputedStyle(document.activeElement).outlineStyle !== 'none'")
    assert shown, "what has the focus does not show it"
    already = await tab.evaluate("document.activeElement.value")
    for character in card if card != already else "":
        await tab.command("Input.dispatchKeyEvent", type="char", text=character)
    await tab.until(f"document.activeElement.value === '{card}'")
    await _tab_to(tab, "BUTTON")
    await _key(tab, "Enter", 13, "\r")


async def _tab_to(tab: Tab, element: str) -> None:
    for _ in range(20):
        await _key(tab, "Tab", 9)
        if await tab.evaluate("document.activeElement.tagName") == element:
            return
    raise AssertionError(f"no {element} is reached by the keyboard")


async def _key(tab: Tab, key: str, code: int, text: str = "") -> None:
    more = {"text": text} if text else {}
    for kind in ("keyDown", "keyUp"):
        await tab.command(
            "Input.dispatchKeyEvent",
            type=kind,
            key=key,
            code=key,
            windowsVirtualKeyCode=code,
            **(more if kind == "keyDown" else {}),
        )


async def _press(tab: Tab, selector: str) -> None:
    await tab.until(f'document.querySelector("{selector}")')
    await tab.evaluate(f'document.querySelector("{selector}").click()')
