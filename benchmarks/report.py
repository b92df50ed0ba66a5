"""Measured values with their targets, and tables as text, Markdown and JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

NOT_INSTALLED = "not installed"
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
_SCALES = {
    "s": [(1, "s"), (1e-3, "ms"), (1e-6, "µs")],
    "bytes": [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")],
}


@dataclass(frozen=True)
class Figure:
    """A value, its quartiles and its target.

    `unit` is "s", "bytes", "times" (a ratio) or "" (a number without a unit).
    """

    value: float
    unit: str = ""
    quartiles: tuple[float, float] | None = None
    target: float | None = None
    at_least: bool = True

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None if there is no target."""
        if self.target is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target

    @property
    def parts(self) -> list[str]:
        """The value, the quartiles of a ratio, and the target with *met* or *missed*."""
        parts = [_with_unit(self.value, self.unit)]
        if self.quartiles and self.unit == "times":
            parts.append("[{:.2f} to {:.2f}]".format(*self.quartiles))
        if self.target is not None:
            sign, verdict = "≥" if self.at_least else "≤", "met" if self.met else "missed"
            parts.append(f"({sign} {_with_unit(self.target, self.unit)}: {verdict})")
        return parts

    def __str__(self):
        return " ".join(self.parts)

    def as_markdown(self) -> str:
        """Return one unbreakable line per part, with *missed* in bold."""
        lines = "<br>".join(self.parts).replace(" ", NO_BREAK_SPACE)
        return lines.replace("missed", "**missed**")

    def as_json(self) -> dict:
        """Return all attributes as a dictionary."""
        return asdict(self) | {"met": self.met}


def _with_unit(value, unit):
    if unit == "times":
        return f"{value:.2f}"
    if unit not in _SCALES:
        return f"{value:.3g}"
    scale, name = next(
        ((scale, name) for scale, name in _SCALES[unit] if value >= scale), _SCALES[unit][-1]
    )
    value /= scale
    return f"{value:.0f} {name}" if value >= 100 else f"{value:.3g} {name}"


@dataclass(frozen=True)
class Table:
    """Rows of cells under named columns; a cell is a `Figure` or text."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[Figure | str]] = field(default_factory=list)
    note: str = ""

    def add(self, *cells: Figure | str) -> None:
        """Append a row."""
        self.rows.append(cells)

    def as_text(self) -> str:
        """Return the table as text with aligned columns."""
        lines = [self.columns, *([str(cell) for cell in row] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        lines.insert(1, ["-" * width for width in widths])
        body = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        ]
        return "\n".join([self.title, *([self.note] if self.note else []), "", *body, ""])

    def as_markdown(self) -> str:
        """Return the heading, the note and the table."""
        rows = [
            [cell.as_markdown() if isinstance(cell, Figure) else cell for cell in row]
            for row in self.rows
        ]
        lines = [self.columns, ["---"] * len(self.columns), *rows]
        body = ["| " + " | ".join(line) + " |" for line in lines]
        return "\n".join([f"### {self.title}", "", *([self.note, ""] if self.note else []), *body])

    def as_json(self) -> dict:
        """Return the rows as dictionaries of column and cell."""
        rows = [dict(zip(self.columns, map(_plain, row), strict=True)) for row in self.rows]
        return {"title": self.title, "note": self.note, "rows": rows}


def _plain(cell):
    return cell.as_json() if isinstance(cell, Figure) else cell


def markdown(tables: Sequence[Table], environment: Mapping[str, object]) -> str:
    """Return the environment and the tables as one Markdown document."""
    lines = [f"- {name}: {value}" for name, value in environment.items()]
    return "\n\n".join(["\n".join(lines), *(table.as_markdown() for table in tables)]) + "\n"
