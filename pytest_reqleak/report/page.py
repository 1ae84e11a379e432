"""Lines of styled text, never wider than the page.

Knows columns, colours and what a stream can carry; not what the lines say.
Everything that is printed passes `Page.safe`: names and source lines come from
the measured app, and a terminal obeys the control characters in them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

Span = str | tuple[str, str]
"""Text, or text and its rich style; after the style, perhaps `LINK` and an address of ours."""

LINK = " link "

LEAST_WIDTH = 20
MOST_CHARACTERS = 600
"""Of one span of a paragraph: a name of many lines helps nobody."""

_ASCII_GLYPHS = {"…": "...", "→": "->", "·": "-"}


def printable(text: str) -> str:
    """Show control, format and undecodable characters as escapes, so that a terminal does not obey them."""
    text = text.replace("\t", " ")
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _styled(span: Span) -> tuple[str, str]:
    return (span, "") if isinstance(span, str) else span


# Between words, but not between a number and its unit.
_BREAK = re.compile(r"\s+(?!(?<=\d\s)(?:B|KiB|MiB|GiB|s|min|%)(?!\w))")


class Page:
    """Collects lines and gives them as one text."""

    def __init__(self, *, width: int, color: bool, unicode: bool) -> None:
        """Begin an empty page.

        Args:
            width: Columns; fewer than `LEAST_WIDTH` count as that many.
            color: Whether styles become escape sequences.
            unicode: False: everything that is not ASCII becomes an ASCII twin or an escape.
        """
        from rich.cells import cell_len

        self.width = max(width, LEAST_WIDTH)
        self.color = color
        self.unicode = unicode
        self._cells = cell_len
        self._lines: list[str] = []

    def text(self) -> str:
        """All lines, without a newline at the end and without blank lines there."""
        return "\n".join(self._lines).rstrip("\n")

    def safe(self, text: str) -> str:
        """What can be printed of a text."""
        text = printable(text)
        if self.unicode or text.isascii():
            return text
        for glyph, twin in _ASCII_GLYPHS.items():
            text = text.replace(glyph, twin)
        return text.encode("ascii", "backslashreplace").decode()

    def cells(self, text: str) -> int:
        """Columns that a text takes, once it is safe."""
        return self._cells(self.safe(text))

    def blank(self) -> None:
        """Part what follows from what came before, by one blank line."""
        if self._lines and self._lines[-1]:
            self._lines.append("")

    def line(self, *spans: Span, indent: int = 0) -> None:
        """Print one line, cut at the page's edge."""
        room = self.width - indent
        printed = []
        for style, group in groupby(map(_styled, spans), key=lambda span: span[1]):
            text = self.cut("".join(text for text, _ in group), room)
            room -= self._cells(text)
            printed.append(self._paint(text, style))
        self._lines.append((" " * indent + "".join(printed)).rstrip())

    def paragraph(self, *spans: Span, indent: int = 0, hang: int = 0) -> None:
        """Print text over as many lines as it needs, broken between words.

        Args:
            spans: A word never crosses from one span into the next.
            indent: Of the first line.
            hang: Further indent of the lines after it.
        """
        words = [
            (word, style)
            for text, style in map(_styled, spans)
            for word in _BREAK.split(self._clipped(text).strip())
            if word
        ]
        line: list[Span] = []
        used, margin = 0, indent
        for word, style in words:
            room = self.width - margin
            if line and used + 1 + self._cells(word) > room:
                self.line(*line, indent=margin)
                line, used, margin = [], 0, indent + hang
                room = self.width - margin
            if line:
                line.append((" ", style if _styled(line[-1])[1] == style else ""))
                used += 1
            while self._cells(word) > room:
                piece = self._head(word, room)
                self.line((piece, style), indent=margin)
                word, margin = word[len(piece) :], indent + hang
            line.append((word, style))
            used += self._cells(word)
        if line:
            self.line(*line, indent=margin)

    def cut(self, text: str, room: int) -> str:
        """The beginning of a text that fits into `room` columns."""
        text = self.safe(text)
        if self._cells(text) <= room:
            return text
        mark = self.safe("…")
        if room <= len(mark):
            return self._head(text, max(0, room))
        return self._head(text, room - len(mark)) + mark

    def cut_head(self, text: str, room: int) -> str:
        """The end of a text that fits: of a path, the file matters more than its folders."""
        text = self.safe(text)
        if self._cells(text) <= room:
            return text
        mark = self.safe("…")
        if room <= len(mark):
            return self._head(text[::-1], max(0, room))[::-1]
        return mark + self._head(text[::-1], room - len(mark))[::-1]

    def pad(self, text: str, columns: int, *, right: bool = False) -> str:
        """A text filled with blanks up to a column, on its left where `right`."""
        text = self.safe(text)
        blanks = " " * max(0, columns - self._cells(text))
        return blanks + text if right else text + blanks

    def table(self, rows: Sequence[Sequence[str]], *, right: Sequence[bool]) -> list[list[str]]:
        """Pad the cells of rows so that their columns line up; the last column stays as it is."""
        widths = [max((self.cells(row[n]) for row in rows), default=0) for n in range(len(right))]
        return [
            [
                self.safe(cell)
                if n == len(right) - 1 and not right[n]
                else self.pad(cell, widths[n], right=right[n])
                for n, cell in enumerate(row)
            ]
            for row in rows
        ]

    def _clipped(self, text: str) -> str:
        text = self.safe(text)
        return text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + self.safe("…")

    def _head(self, text: str, room: int) -> str:
        used = 0
        for place, char in enumerate(text):
            used += self._cells(char)
            if used > room:
                return text[:place]
        return text

    def _paint(self, text: str, style: str) -> str:
        if not self.color or not style or not text:
            return text
        from rich.color import ColorSystem
        from rich.style import Style

        style, _, address = style.partition(LINK)
        painted = Style.parse(style).render(text, color_system=ColorSystem.STANDARD)
        # Not by rich, which numbers its links at random.
        return f"\x1b]8;;{address}\x1b\\{painted}\x1b]8;;\x1b\\" if address else painted
