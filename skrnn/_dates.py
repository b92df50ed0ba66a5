"""Dates that are written as text: which of them have an order, and how to read the others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

# ISO 8601, of which text has the order of time: a year, month, week or day, or a day with a time,
# and perhaps the offset of its zone from UTC. Also a quarter with its year first.
_ISO = re.compile(
    r"\d{4}(-?Q[1-4]|-?W([0-4]\d|5[0-3])(-?[1-7])?|-(0[1-9]|1[0-2])"
    r"|(?P<a>-?)(0[1-9]|1[0-2])(?P=a)(0[1-9]|[12]\d|3[01])"
    r"([ T]([01]\d|2[0-3])(?P<b>:?)[0-5]\d((?P=b)[0-5]\d(\.\d+)?)?(?P<zone>Z|[+-]\d\d:?\d\d)?)?)?",
    re.ASCII,
)
_PART = r"(0?[1-9]|[12]\d|3[01])"  # a day or month
_DATE_PARTS = [
    rf"\d{{4}}(?P<a>[-/.]){_PART}(?P=a){_PART}",
    rf"{_PART}(?P<b>[-/.]){_PART}(?P=b)\d{{4}}",
    rf"{_PART}/{_PART}/\d\d",
    r"[0-3]\d\.[0-3]\d\.\d\d",  # 1.10.12 and 10-20-30 may be other numbers
]
# A day in any order of its parts, and perhaps a time.
_DATE = re.compile(rf"({'|'.join(_DATE_PARTS)})([ T,].*)?", re.ASCII)
# The same with the name of the month, and a quarter before its year.
_MONTHS = (
    "jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?|"
    "nov(ember)?|dec(ember)?"
)
_WITH_NAME = re.compile(
    r"(?=.*\d)((mon|tue|wed|thu|fri|sat|sun)[a-z]*[ .,]+)?[\d .,/-]*"
    rf"({_MONTHS})[\d .,:/'-]*([ap]m)?",
    re.ASCII | re.IGNORECASE,
)
_QUARTER = re.compile(r"(Q[1-4][ /-]?|[1-4]Q[ /-]?)(\d\d){1,2}", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?", re.ASCII)
_DIGITS = str.maketrans("123456789", "000000000")


def first_not_iso(texts: Sequence[Any]) -> int | None:
    """Return the position of the first text that is no ISO date of one format with those before.

    None means that there is none. The order of the dates is then that of the texts.
    """
    formats = map(_format, texts)
    wanted = next(formats, None)
    if wanted is None:
        return 0
    return next((i for i, found in enumerate(formats, start=1) if found != wanted), None)


def _format(text: Any) -> tuple[str, str] | None:
    """Return the places of digits and the zone of an ISO date; None for all else."""
    found = _ISO.fullmatch(text) if isinstance(text, str) else None
    return (text.translate(_DIGITS), found["zone"] or "") if found else None


def are_dates(texts: Sequence[Any]) -> bool:
    """Return whether all texts look like days, months, quarters or years, in any formats."""
    return all(isinstance(text, str) and _is_date(text) for text in texts)


def _is_date(text: str) -> bool:
    return any(pattern.fullmatch(text) for pattern in (_ISO, _DATE, _WITH_NAME, _QUARTER))


def as_numbers(texts: Sequence[Any]) -> list[float] | None:
    """Read numbers that are written as text; None if a text is no number."""
    if all(isinstance(text, str) and _NUMBER.fullmatch(text) for text in texts):
        return list(map(float, texts))
    return None


def no_order(texts: Sequence[Any], row: int, name: str) -> str:
    """Say why texts have no order in time, and how to convert them, which the user calls `name`."""
    text, convert = texts[row], f"pandas.to_datetime({name}), or with a format"
    fault, form = f"row {row} holds {text!r}", _format(text)
    if form:
        first = _format(texts[0]) or form
        fault = f"{fault}, and row 0 {texts[0]!r}"
        in_utc = ", utc=True" if first[1] != form[1] else ""
        convert = f"pandas.to_datetime({name}, format='ISO8601'{in_utc})"
    elif _QUARTER.fullmatch(str(text)):
        convert = "the year first, as in '2024Q3'"
    elif _WITH_NAME.fullmatch(str(text)):
        convert = (
            f"pandas.to_datetime({name}, format=...), where '%d %b %Y' is that of '31 Jan 2024'"
        )
    elif are_dates([text]) and not re.match(r"\d{4}", text):
        convert = f"pandas.to_datetime({name}, dayfirst=True) if the day is first, or with a format"
    elif _is_number(text):
        convert = f"pandas.to_numeric({name})"
    return (
        "Text has an order in time only if all of it is ISO dates of one format, such as "
        f"'2024-01-31', but {fault}. Convert them, for instance with {convert}."
    )


def _is_number(text: Any) -> bool:
    try:
        float(text)
    except (TypeError, ValueError):
        return False
    return True
