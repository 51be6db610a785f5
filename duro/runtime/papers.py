"""The papers of `docs` that answers point to, as plain pages."""

from itertools import pairwise
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from duro.kit.share import share

_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("table")


def paper(name: str) -> str:
    """The paper as HTML; each heading's anchor is its text, so `#conflict` leads to `## conflict`."""
    tokens = _MARKDOWN.parse((share("docs") / f"{name}.md").read_text(encoding="utf-8"))
    for opening, text in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", _anchor(text))
    html: str = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return html


def _anchor(text: Token) -> str:
    return text.content.lower().replace(" ", "-")
