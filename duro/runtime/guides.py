"""The guides of `docs`: found through the index, read once, shown as HTML and as Markdown."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from duro.kit.share import share

INDEX: Final = "index"
_GUIDES: Final = "guides"
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("table")
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
_ENTRY: Final = re.compile(r"- \[([^\]]+)\]\(([^)\s]+)\): (.+)")
_PAGE: Final = re.compile(r"(?:[./\w-]*/)?([a-z0-9-]+)\.md(#[\w-]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the index: a guide, or an address of the running server."""

    title: str
    href: str
    about: str


@dataclass(frozen=True, slots=True)
class Section:
    """A heading of the index and what stands below it."""

    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of the second level, for the list of contents."""

    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """A guide as HTML."""

    title: str
    html: str
    contents: tuple[Heading, ...]


@dataclass(frozen=True, slots=True)
class Guides:
    """Reads the guides that the index names; a page is made when it is first asked for."""

    public_url: str
    folder: Path = field(default_factory=lambda: share("docs"))
    _pages: dict[str, Page] = field(default_factory=dict)

    def names(self) -> list[str]:
        """The guides in the order of the index."""
        hrefs = (entry.href for section in self.sections() for entry in section.entries)
        found = map(_PAGE.fullmatch, hrefs)
        return [match[1] for match in found if match]

    def sections(self) -> list[Section]:
        """The index as navigation, with the addresses of HTML pages."""
        parts = re.split(r"^## (.+)$", self.text(INDEX), flags=re.MULTILINE)[1:]
        return [
            Section(title, tuple(Entry(*found) for found in _ENTRY.findall(body)))
            for title, body in zip(parts[::2], parts[1::2], strict=True)
        ]

    def text(self, name: str) -> str:
        """A guide as it is written."""
        below = self.folder / _GUIDES / f"{name}.md"
        path = below if below.is_file() else self.folder / f"{name}.md"
        return path.read_text(encoding="utf-8")

    def markdown(self, name: str) -> str:
        """A guide with whole addresses, each of which leads to Markdown again."""
        return _LINK.sub(lambda found: f"]({self._absolute(found[1])})", self.text(name))

    def page(self, name: str) -> Page:
        if name not in self._pages:
            self._pages[name] = render(self.text(name))
        return self._pages[name]

    def _absolute(self, href: str) -> str:
        if href.startswith("/"):
            form = ".md" if href.startswith("/docs/") else ""
            return f"{self.public_url}{href}{form}"
        found = _PAGE.fullmatch(href)
        return f"{self.public_url}/docs/{found[1]}.md{found[2] or ''}" if found else href


def render(text: str) -> Page:
    """Markdown as a page; each heading has an anchor, so `#conflict` leads to `## conflict`."""
    tokens = _MARKDOWN.parse(text)
    contents: list[Heading] = []
    title = ""
    for opening, inline in pairwise(tokens):
        if opening.type != "heading_open":
            continue
        anchor = anchor_of(inline.content)
        opening.attrSet("id", anchor)
        if opening.tag == "h1":
            title = _plain(inline)
        elif opening.tag == "h2":
            contents.append(Heading(anchor, _plain(inline)))
        _link_to_itself(inline, anchor)
    for token in _inside(tokens):
        if token.type == "link_open":
            token.attrSet("href", page_href(str(token.attrGet("href"))))
    html: str = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    # A wide table scrolls in its box; what the page says itself about tables is escaped by now.
    html = html.replace("<table>", '<div class="table"><table>')
    return Page(title, html.replace("</table>", "</table></div>"), tuple(contents))


def page_href(href: str) -> str:
    """Where a link between files leads on the server."""
    found = _PAGE.fullmatch(href)
    if found is None:
        return href
    path = "/docs" if found[1] == INDEX else f"/docs/{found[1]}"
    return f"{path}{found[2] or ''}"


def anchor_of(text: str) -> str:
    """As the common forges make it."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def _inside(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from token.children or ()


def _plain(inline: Token) -> str:
    return "".join(child.content for child in inline.children or ())


def _link_to_itself(inline: Token, anchor: str) -> None:
    opening = Token("link_open", "a", 1, attrs={"href": f"#{anchor}", "class": "anchor"})
    inline.children = [opening, *(inline.children or ()), Token("link_close", "a", -1)]
