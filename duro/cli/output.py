"""Prints results: a table on a terminal, plain columns in a pipe, JSON on request."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import typer

Row = Mapping[str, object]


def show_rows(rows: Sequence[Row], *, as_json: bool, empty: str) -> None:
    """A list; `empty` is said to a person when there is nothing."""
    if as_json:
        typer.echo(json.dumps([_plain_row(row) for row in rows], indent=2))
    elif not rows:
        typer.echo(empty, err=True)
    elif sys.stdout.isatty():
        _show_table(rows)
    else:
        _show_columns(rows)


def show_one(row: Row, *, as_json: bool) -> None:
    """One object."""
    if as_json:
        typer.echo(json.dumps(_plain_row(row), indent=2))
        return
    width = max(len(_title(name)) for name in row)
    for name, value in row.items():
        typer.echo(f"{_title(name):<{width}}  {_text(value)}")


def _show_table(rows: Sequence[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0]:
        table.add_column(_title(name), overflow="fold")
    for row in rows:
        table.add_row(*(_text(value) for value in row.values()))
    Console(no_color="NO_COLOR" in os.environ, highlight=False, markup=False).print(table)


def _show_columns(rows: Sequence[Row]) -> None:
    lines = [[_title(name) for name in rows[0]]]
    lines += [[_text(value) for value in row.values()] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


def _plain_row(row: Row) -> dict[str, object]:
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: object) -> object:
    match value:
        case datetime():
            return _instant(value)
        case tuple() | list():
            return [_plain(item) for item in value]
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case None | bool() | int() | float():
            return value
        case _:
            return str(value)


def _text(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case tuple() | list():
            return ", ".join(map(_text, value)) or "-"
        case Mapping():
            return ", ".join(f"{key} {_text(item)}" for key, item in value.items()) or "-"
        case datetime():
            return _instant(value)
        case _:
            return str(value)


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _title(name: str) -> str:
    """`secretKey` as a person reads it."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
