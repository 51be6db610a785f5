"""The guides of `docs`: found through the index, read once, shown as HTML and as Markdown."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from duro.kit.share import share

INDEX: Final = "index"
_HOME: Final = "/docs"
_GUIDES: Final = "guides"
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("table")
_LINK: Final = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
_ENTRY: Final = re.compile(r"- \[([^\]]+)\]\(([^)\s]+)\): (.+)")
_PAGE: Final = re.compile(r"(?:[./\w-]*/)?([a-z0-9-]+)\.md(#[\w-]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the index, with the address of its page."""

    title: str
    href: str


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
        found = (_PAGE.fullmatch(href) for _, href, _ in _ENTRY.findall(self.text(INDEX)))
        return [match[1] for match in found if match]

    def sections(self) -> list[Section]:
        """The index as navigation."""
        known = self._known()
        parts = re.split(r"^## (.+)$", self.text(INDEX), flags=re.MULTILINE)[1:]
        return [
            Section(
                heading,
                tuple(
                    Entry(title, leads_to(href, known) or _HOME)
                    for title, href, _ in _ENTRY.findall(body)
                ),
            )
            for heading, body in zip(parts[::2], parts[1::2], strict=True)
        ]

    def text(self, name: str) -> str:
        """A guide as it is written."""
        below = self.folder / _GUIDES / f"{name}.md"
        path = below if below.is_file() else self.folder / f"{name}.md"
        return _read(path)

    def markdown(self, name: str) -> str:
        """A guide with whole addresses, each of which leads to Markdown again."""
        known = self._known()

        def whole(found: re.Match[str]) -> str:
            href = leads_to(found[2], known)
            return found[1] if href is None else f"[{found[1]}]({self._whole(href)})"

        return _LINK.sub(whole, self.text(name))

    def page(self, name: str) -> Page:
        if name not in self._pages:
            self._pages[name] = render(self.text(name), known=self._known())
        return self._pages[name]

    def _known(self) -> set[str]:
        return {INDEX, *self.names()}

    def _whole(self, href: str) -> str:
        if not href.startswith("/"):
            return href
        path, hash_sign, anchor = href.partition("#")
        if path == _HOME:
            path = f"{_HOME}/{INDEX}"
        form = ".md" if path.startswith(f"{_HOME}/") else ""
        return f"{self.public_url}{path}{form}{hash_sign}{anchor}"


@cache
def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def render(text: str, *, known: Collection[str] = ()) -> Page:
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
    for token in tokens:
        token.children = list(_linked(token.children or (), known))
    html: str = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    # A wide table scrolls in its box; what the page says itself about tables is escaped by now.
    html = html.replace("<table>", '<div class="table"><table>')
    return Page(title, html.replace("</table>", "</table></div>"), tuple(contents))


def leads_to(href: str, known: Collection[str]) -> str | None:
    """Where a link between files leads on the server; None when that file is no page."""
    if "://" in href or href.startswith(("/", "#")):
        return href
    found = _PAGE.fullmatch(href)
    if found is None or found[1] not in known:
        return None
    path = _HOME if found[1] == INDEX else f"{_HOME}/{found[1]}"
    return f"{path}{found[2] or ''}"


def anchor_of(text: str) -> str:
    """As the common forges make it."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def _linked(children: Iterable[Token], known: Collection[str]) -> Iterator[Token]:
    """With addresses of pages; of a link to any other file only the text is left."""
    is_open = True
    for token in children:
        if token.type == "link_open":
            href = leads_to(str(token.attrGet("href")), known)
            is_open = href is not None
            token.attrSet("href", href or "")
        if is_open or token.type not in ("link_open", "link_close"):
            yield token


def _plain(inline: Token) -> str:
    return "".join(child.content for child in inline.children or ())


def _link_to_itself(inline: Token, anchor: str) -> None:
    opening = Token("link_open", "a", 1, attrs={"href": f"#{anchor}", "class": "anchor"})
    inline.children = [opening, *(inline.children or ()), Token("link_close", "a", -1)]
