"""Breaking a text into lines: Chinese between any two characters, English between words."""

import re

from telebank.flow.draw.scene import SIZES, Measure, Role

_PIECES = re.compile(r"〔[^〕]*〕[，。；、！？：）]*|[!-~]+ ?|[^!-~][，。；、！？：）〕”]*")
"""What stays together: a value, a run of Latin, a character with the mark after it."""


def wrapped(text: str, role: Role, width: float, measure: Measure) -> list[str]:
    """The lines of a text that are at most `width` points wide, where its pieces are."""
    lines, line = list[str](), ""
    for piece in _PIECES.findall(text):
        if line and measure((line + piece).rstrip(), SIZES[role]) > width:
            lines.append(line.rstrip())
            line = piece.lstrip()
        else:
            line += piece
    return [*lines, line.rstrip()] if line.strip() else lines
