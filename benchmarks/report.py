"""Figures with their targets, and tables of them as text, Markdown and JSON."""

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
    """A number, the quartiles around it, and what it should be.

    `unit` is "s", "bytes", "times" (a ratio) or "" (a plain number).
    """

    value: float
    unit: str = ""
    quartiles: tuple[float, float] | None = None
    target: float | None = None
    at_least: bool = True

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.target is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target

    @property
    def parts(self) -> list[str]:
        """The number, the quartiles of a ratio, and the target with its verdict."""
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
        """Each part on a line of its own, which does not break; what is missed in bold."""
        lines = "<br>".join(self.parts).replace(" ", NO_BREAK_SPACE)
        return lines.replace("missed", "**missed**")

    def as_json(self) -> dict:
        """Everything that is known of the figure."""
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
        """Aligned columns for a terminal."""
        lines = [self.columns, *([str(cell) for cell in row] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        lines.insert(1, ["-" * width for width in widths])
        body = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        ]
        return "\n".join([self.title, *([self.note] if self.note else []), "", *body, ""])

    def as_markdown(self) -> str:
        """A heading, the note and the table."""
        rows = [
            [cell.as_markdown() if isinstance(cell, Figure) else cell for cell in row]
            for row in self.rows
        ]
        lines = [self.columns, ["---"] * len(self.columns), *rows]
        body = ["| " + " | ".join(line) + " |" for line in lines]
        return "\n".join([f"### {self.title}", "", *([self.note, ""] if self.note else []), *body])

    def as_json(self) -> dict:
        """Rows as mappings of column to cell."""
        rows = [dict(zip(self.columns, map(_plain, row), strict=True)) for row in self.rows]
        return {"title": self.title, "note": self.note, "rows": rows}


def _plain(cell):
    return cell.as_json() if isinstance(cell, Figure) else cell


def markdown(tables: Sequence[Table], environment: Mapping[str, object]) -> str:
    """Write tables, and what they were taken on, as one Markdown document."""
    lines = [f"- {name}: {value}" for name, value in environment.items()]
    return "\n\n".join(["\n".join(lines), *(table.as_markdown() for table in tables)]) + "\n"
