"""The documentation under `/docs`: each page as HTML and as Markdown, the operations to try, and llms.txt."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final, TypeAlias

import jinja2
from aiohttp import web
from aiohttp.typedefs import Handler

from duro.kit.modes import Mode
from duro.kit.registry import Operation, Routes
from duro.kit.share import share
from duro.runtime.guides import INDEX, Guides, Page, render
from duro.runtime.static import add_static, static_url

_API: Final = "api"
_API_TITLE: Final = "API reference"
_SHARED_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_OWN: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Scalar writes its styles into the page, draws icons from data: addresses, and asks this server for what is tried.
_OF_SCALAR: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_Text: TypeAlias = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Docs:
    """The handlers, and what they show."""

    guides: Guides
    routes: Sequence[Routes]
    _listed: dict[str, Page] = field(default_factory=dict)

    def add_to(self, app: web.Application) -> None:
        router = app.router
        router.add_get("/docs", self._show_index)
        router.add_get("/docs/", _to_index)
        router.add_get(f"/docs/{_API}", self._show_api)
        router.add_get("/docs/{name}.md", self._show_markdown)
        router.add_get("/docs/{name:.+}", self._show_page)
        router.add_get("/llms.txt", _plain(self.index))
        router.add_get("/llms-full.txt", _plain(self.everything))
        add_static(app)

    def index(self) -> str:
        return self.guides.markdown(INDEX)

    def everything(self) -> str:
        """Every page, one after the other."""
        return "\n\n".join(self._markdown(name) for name in [INDEX, *self._names()])

    def _names(self) -> list[str]:
        return [*self.guides.names(), _API]

    def _markdown(self, name: str) -> str:
        if name == _API:
            return operations(self.routes)
        return self.guides.markdown(name)

    async def _show_index(self, _request: web.Request) -> web.Response:
        return self._html("page.html", INDEX, self.guides.page(INDEX))

    async def _show_page(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self._names():
            return self._nothing()
        return self._html("page.html", name, self.guides.page(name))

    async def _show_api(self, _request: web.Request) -> web.Response:
        if _API not in self._listed:
            self._listed[_API] = render(operations(self.routes))
        shown = self._html("api.html", _API, self._listed[_API])
        shown.headers["Content-Security-Policy"] = _OF_SCALAR
        return shown

    async def _show_markdown(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        pointer = f"> All pages: {self.guides.public_url}/llms.txt\n\n"
        if name not in (INDEX, *self._names()):
            text = f"{pointer}# Not found\n\nThere is no such page.\n"
            return _text(text, "text/markdown", status=404)
        return _text(pointer + self._markdown(name), "text/markdown")

    def _nothing(self) -> web.Response:
        page = Page("Not found", "<h1>Not found</h1><p>There is no such page.</p>", ())
        return self._html("page.html", "", page, status=404)

    def _html(self, template: str, name: str, page: Page, *, status: int = 200) -> web.Response:
        html = (
            _templates()
            .get_template(template)
            .render(
                page=page,
                path="/docs" if name == INDEX else f"/docs/{name}",
                markdown=f"/docs/{name}.md" if name else "",
                sections=self.guides.sections(),
                static=static_url,
            )
        )
        headers = {**_SHARED_HEADERS, "Content-Security-Policy": _OWN}
        return web.Response(text=html, status=status, content_type="text/html", headers=headers)


def operations(routes: Sequence[Routes]) -> str:
    """Every operation in Markdown, under the headings of the registry."""
    lines = [
        f"# {_API_TITLE}",
        "",
        "Parameters, models, errors and examples are in the OpenAPI 3.1 document at `/openapi.json`.",
    ]
    tags = dict.fromkeys(group.tag for group in routes)
    for tag in tags:
        lines += ["", f"## {tag}", "", "| operation | what it does |", "|---|---|"]
        for group in routes:
            lines += [_line(each) for each in group.operations if group.tag == tag]
    return "\n".join([*lines, ""])


def _line(operation: Operation) -> str:
    only = operation.options.get("modes", frozenset(Mode))
    note = " Test mode only." if only == {Mode.TEST} else ""
    return f"| `{operation.method} {operation.path}` | {operation.summary}{note} |"


async def _to_index(_request: web.Request) -> web.Response:
    raise web.HTTPMovedPermanently("/docs")


def _plain(text: _Text) -> Handler:
    async def show(_request: web.Request) -> web.StreamResponse:
        return _text(text(), "text/plain")

    return show


def _text(text: str, content_type: str, *, status: int = 200) -> web.Response:
    return web.Response(
        text=text, status=status, content_type=content_type, headers=_SHARED_HEADERS
    )


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(share("templates") / "docs"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
