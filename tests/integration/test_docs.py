"""The pages of a running server: each is there in both forms, each link leads somewhere, nothing is foreign."""

import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urldefrag, urljoin

import aiohttp
import pytest
from typing_extensions import override

from duro.runtime.serve import Role
from tests.support.api import Answer
from tests.support.system import Merchant, running_merchant, settings_for

_STRICT: Final = ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'")
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
_HEADING: Final = re.compile(r"^## (.+)$", re.MULTILINE)


class _Parsed(HTMLParser):
    """The links, anchors and files of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()
        self.files: set[str] = set()
        self.inline: list[str] = []
        self.feed(html)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.anchors.add(given["id"])
        if tag == "a":
            self.links.add(given["href"])
        elif tag == "link":
            self.files.add(given["href"])
        elif tag == "script":
            self.files.add(given.get("src", ""))
        self.inline += [name for name in given if name.startswith("on") or name == "style"]


@pytest.fixture
async def server(database_url: str, redis_url: str, tenant: str) -> AsyncIterator[Merchant]:
    settings = settings_for(database_url, redis_url)
    async with running_merchant(settings, tenant, roles=frozenset({Role.PUBLIC})) as started:
        yield started


async def test_every_link_and_anchor_of_every_page_leads_somewhere(server: Merchant) -> None:
    pages = await _crawl(server)

    broken = [
        f"{page}: {link}"
        for page, parsed in pages.items()
        for link in sorted(parsed.links)
        if not await _leads_somewhere(server, pages, urljoin(page, link))
    ]
    assert broken == []
    assert len(pages) > 10


async def test_a_page_needs_nothing_from_elsewhere_and_has_no_script_of_its_own(
    server: Merchant,
) -> None:
    for page in await _crawl(server):
        answer = await server.client.get(page)
        parsed = _Parsed(answer.body.decode())
        policy = answer.headers["Content-Security-Policy"]
        assert [part for part in _STRICT if part not in policy] == [], page
        assert "http" not in policy
        assert "'unsafe-inline'" not in policy or page == "/docs/api"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert parsed.inline == []
        for name in parsed.files:
            assert name.startswith("/"), f"{page}: {name or 'an inline script'}"
            assert (await server.client.get(name)).status == 200


async def test_every_page_is_also_markdown_that_points_to_the_index(server: Merchant) -> None:
    for page in await _crawl(server):
        name = page.removeprefix("/docs").removeprefix("/") or "index"
        answer = await server.client.get(f"/docs/{name}.md")
        text = answer.body.decode()

        assert answer.status == 200, name
        assert answer.headers["Content-Type"] == "text/markdown; charset=utf-8"
        assert text.startswith(f"> All pages: {server.app.public_url}/llms.txt\n\n# ")
        for link in _LINK.findall(text):
            address = link.removeprefix(server.app.public_url or "")
            assert "://" in link or link.startswith("#"), f"{name}: {link}"
            if address not in ("", link):
                assert (await server.client.get(urldefrag(address).url)).status == 200, link


async def test_llms_txt_lists_every_page_and_the_full_text_has_them_all(server: Merchant) -> None:
    short = (await server.client.get("/llms.txt")).body.decode()
    full = (await server.client.get("/llms-full.txt")).body.decode()

    for page in (await _crawl(server)).keys() - {"/docs"}:
        address = f"{server.app.public_url}{page}"
        assert f"({address}.md)" in short
        markdown = (await server.client.get(f"{page}.md")).body.decode()
        assert markdown.partition("\n\n")[2] in full
    assert short.startswith("# Duro")


async def test_the_doc_url_of_every_error_leads_to_its_paragraph(server: Merchant) -> None:
    refused = await server.client.post("/v1/plans", {"name": "Gold", "amount": 1.5})
    page, _, anchor = refused.error["docUrl"].partition("#")
    address = page.removeprefix(server.app.public_url)
    shown = _Parsed((await server.client.get(address)).body.decode())
    told = (await server.client.get(f"{address}.md")).body.decode()

    assert (address, anchor) == ("/docs/errors", "validation_error")
    # That the paper lists exactly the codes there are is a law of the house.
    assert set(_HEADING.findall(told)) <= shown.anchors


async def test_the_reference_lists_every_operation_without_a_script(server: Merchant) -> None:
    described = (await server.client.get("/openapi.json")).json
    listed = (await server.client.get("/docs/api.md")).body.decode()

    wanted = {
        f"`{method.upper()} {path}`"
        for path, methods in described["paths"].items()
        for method in methods
    }
    assert {operation for operation in wanted if operation not in listed} == set()


@pytest.mark.parametrize(
    "path", ["/docs/nothing", "/docs/glossary", "/docs/guides/index", "/docs/..%2Foperations"]
)
async def test_an_unknown_page_is_not_found_with_a_way_on(server: Merchant, path: str) -> None:
    answer = await server.client.get(path)
    markdown = await server.client.get(f"{path}.md")

    assert answer.status == 404
    assert 'href="/docs/quick-start"' in answer.body.decode()
    assert markdown.status == 404


async def test_a_static_file_may_be_kept_for_ever_under_its_own_digest_only(
    server: Merchant,
) -> None:
    page = (await server.client.get("/docs")).body.decode()
    (style,) = re.findall(r'href="(/static/[0-9a-f]{16}/docs\.css)"', page)
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.get(f"{server.app.public_url}{style}") as zipped,
    ):
        body, headers = await zipped.read(), zipped.headers
    plain = await server.client.get(style)
    other = await server.client.get("/static/0000000000000000/docs.css")

    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert (headers["Content-Encoding"], headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert len(body) < len(plain.body)
    assert (other.status, other.headers["Cache-Control"]) == (200, "no-cache")


@pytest.mark.parametrize(
    "name", ["nothing.css", "../docs/page.html", "..%2Fdocs%2Fpage.html", "vendor/scalar/LICENSE"]
)
async def test_only_the_files_that_pages_use_are_served(server: Merchant, name: str) -> None:
    assert (await server.client.get(f"/static/0000000000000000/{name}")).status == 404


async def _crawl(server: Merchant) -> dict[str, _Parsed]:
    """Every page that can be reached from the index, by its path."""
    pages: dict[str, _Parsed] = {}
    waiting = ["/docs"]
    while waiting:
        path = waiting.pop()
        answer = await server.client.get(path)
        assert answer.status == 200, path
        if not _is_page(answer):
            continue
        pages[path] = _Parsed(answer.body.decode())
        found = {urldefrag(urljoin(path, link)).url for link in pages[path].links}
        waiting += [
            each
            for each in sorted(found)
            if each.startswith("/docs") and each not in pages and each not in waiting
        ]
    return pages


def _is_page(answer: Answer) -> bool:
    return answer.headers["Content-Type"].startswith("text/html")


async def _leads_somewhere(server: Merchant, pages: dict[str, _Parsed], link: str) -> bool:
    path, anchor = urldefrag(link)
    if "://" in path:
        return path.startswith("https://")
    if path in pages:
        return not anchor or anchor in pages[path].anchors
    return (await server.client.get(path)).status == 200
