"""Services by environments, as text for 100 columns, as Markdown, and as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from krm_fn.plan.answers import Plan
from krm_fn.results import Result
from krm_fn.views import facts, markdown
from krm_fn.views.facts import Json
from krm_fn.views.paint import Line, Span, Style, clean, line, padded
from krm_fn.views.table import Row, Table
from krm_fn.views.who import word

WIDTH = 100  # characters of a line, where names allow it
_GAP = "  "
_OWN = "●"
_UNNAMED = "(none)"
_MANY = 12  # columns of Markdown that still have their names above them


class _Column(NamedTuple):
    """A column: its head, its environment and that one's place; both None for requests that name none."""

    head: str
    environment: str | None = None
    place: int | None = None


def matrix(tables: Sequence[Table], *, everything: bool = False) -> Iterator[Line]:
    """Yield the tables; one that is wider than WIDTH gets numbers for names, and is folded.

    Rows in which every environment gets the base's answer are counted only, unless `everything`.
    """
    for table in tables:
        yield from _table(table, everything=everything)
        yield line("")
    if tables:
        yield [
            *((_OWN, Style.OWN), (" its own pods   ", Style.FAINT)),
            *(("name or number", Style.OTHER), (" the environment that answers instead   ", Style.FAINT)),
            *(("503", Style.BAD), (" nobody", Style.FAINT)),
        ]
    yield from (line(f"{name}: {text}", Style.FAINT) for name, text in _exceptions(tables).items())


def as_markdown(tables: Sequence[Table], *, everything: bool = False) -> str:
    """Return the tables in the Markdown of GitHub and GitLab."""
    parts = []
    for table in tables:
        rows = _rows(table, everything=everything)
        numbered = len(table.environments) > _MANY
        columns, names = _columns(table, numbered=numbered)
        parts.append(f"Base {markdown.code(table.base)}")
        if numbered:
            parts.append("\n".join(f"{names[node.name]}. {markdown.code(node.name)}" for node in table.environments))
        head = ["Service", *(markdown.code(one.head) if one.environment else one.head for one in columns)]
        body = [[markdown.code(row.name), *(_markdown_cell(row, one, names) for one in columns)] for row in rows]
        parts += [markdown.table(head, body)] if rows else []
        parts += _left_out(table, rows)
    parts += [f"{_OWN} its own pods; a name or number: the environment that answers instead; 503: nobody"]
    parts += [f"{markdown.code(name)}: {text}" for name, text in _exceptions(tables).items()]
    return "\n\n".join(parts) + "\n"


def _markdown_cell(row: Row, column: _Column, names: Mapping[str, str]) -> str:
    text, style = _cell(row, column, names)
    return text if style in (Style.OWN, Style.BAD, Style.LOUD) else markdown.code(text)


def as_json(tables: Sequence[Table], plan: Plan, results: Sequence[Result]) -> Json:
    """Return the tables as data, every row; docs/views.md describes it."""
    found = [
        {
            "base": table.base,
            "environments": [node.name for node in table.environments],
            "services": [_row_json(row, table) for row in table.rows],
        }
        for table in tables
    ]
    return facts.document("Matrix", results, tables=found, apart=[facts.apart_json(one) for one in plan.apart])


def _row_json(row: Row, table: Table) -> Json:
    cells = {node.name: one.environment for node, one in zip(table.environments, row.answers, strict=True)}
    return {
        "name": row.plan.service.ref.name,
        "namespace": row.plan.service.ref.namespace,
        "otherwise": word(row.plan),
        "exception": facts.exception(row.plan) if row.plan.is_split else "",
        "ports": facts.port_notes(row.plan),
        "unnamed": row.unnamed.environment,
        "answers": cells,
    }


def _rows(table: Table, *, everything: bool) -> list[Row]:
    return [row for row in table.rows if everything or row.differs(range(len(table.environments)))]


def _columns(table: Table, *, numbered: bool) -> tuple[list[_Column], Mapping[str, str]]:
    """Return the columns, and what cells call each environment."""
    nodes = list(enumerate(table.environments))
    names = {node.name: str(place + 1) if numbered else clean(node.name) for place, node in nodes}
    return [*(_Column(names[node.name], node.name, place) for place, node in nodes), _Column(_UNNAMED)], names


def _table(table: Table, *, everything: bool) -> Iterator[Line]:
    rows = _rows(table, everything=everything)
    yield [("base ", Style.FAINT), (clean(table.base), Style.HEAD)]
    columns, names = _columns(table, numbered=False)
    blocks = _blocks(columns, rows, names)
    if len(blocks) > 1:
        columns, names = _columns(table, numbered=True)
        yield from _legend(table, names)
        blocks = _blocks(columns, rows, names)
    for block in blocks if rows else ():
        places = [one.place for one in block if one.place is not None]
        shown = rows if everything else [row for row in rows if row.differs(places)]
        if len(block) < len(columns) and shown:
            yield line("")
        yield from _block(block, shown, names) if shown else ()
    yield from (line(text, Style.FAINT) for text in _left_out(table, rows))


def _left_out(table: Table, rows: Sequence[Row]) -> Iterator[str]:
    left = len(table.rows) - len(rows)
    if left:
        these = "1 Service gets" if left == 1 else f"{left} Services get"
        yield f"{these} the base's answer in every environment; --all shows all"


def _legend(table: Table, names: Mapping[str, str]) -> Iterator[Line]:
    for node in table.environments:
        count = table.carriers(node.name)
        yield [
            (f"{names[node.name]:>4} ", Style.OTHER),
            (node.branch, Style.FAINT),
            (clean(node.name), Style.PLAIN),
            (f"  pods of {count} Service{'s' * (count != 1)}", Style.FAINT),
        ]


def _blocks(columns: Sequence[_Column], rows: Sequence[Row], names: Mapping[str, str]) -> list[list[_Column]]:
    """Return the columns in as few groups as fit the width."""
    indent = _indent(rows)
    blocks: list[list[_Column]] = [[]]
    used = indent
    for column in columns:
        width = len(_GAP) + _width(column, rows, names)
        if blocks[-1] and used + width > WIDTH:
            blocks.append([])
            used = indent
        blocks[-1].append(column)
        used += width
    return blocks


def _indent(rows: Sequence[Row]) -> int:
    return max((len(row.name) for row in rows), default=0)


def _width(column: _Column, rows: Sequence[Row], names: Mapping[str, str]) -> int:
    return _widest(column, [_cell(row, column, names) for row in rows])


def _widest(column: _Column, cells: Sequence[Span]) -> int:
    return max([len(column.head), *(len(text) for text, _ in cells)])


def _block(columns: Sequence[_Column], rows: Sequence[Row], names: Mapping[str, str]) -> Iterator[Line]:
    indent = _indent(rows)
    filled = []
    for column in columns:
        cells = [_cell(row, column, names) for row in rows]
        width = _widest(column, cells) + len(_GAP)
        filled.append([padded(text, width, style) for text, style in [(column.head, Style.HEAD), *cells]])
    heads = [" " * indent, *(row.name.ljust(indent) for row in rows)]
    for head, *cells in zip([f"{head}{_GAP}" for head in heads], *filled, strict=True):
        yield [(head, Style.PLAIN), *cells]


def _cell(row: Row, column: _Column, names: Mapping[str, str]) -> Span:
    answer = row.unnamed if column.place is None else row.answers[column.place]
    if answer.environment is None:
        return word(row.plan), Style.BAD if answer.is_nobody else Style.LOUD
    if answer.environment == column.environment:
        return _OWN, Style.OWN
    shown = names.get(answer.environment) or clean(answer.environment)
    return shown, Style.FAINT if answer == row.unnamed else Style.OTHER


def _exceptions(tables: Sequence[Table]) -> dict[str, str]:
    """Return the Services of several environments about which the header does not decide whole, and why."""
    rows = [row for table in tables for row in table.rows if row.plan.is_split]
    told = {
        row.name: "; ".join([facts.exception(row.plan)] * bool(facts.exception(row.plan)) + facts.port_notes(row.plan))
        for row in rows
    }
    return {name: text for name, text in told.items() if text}
