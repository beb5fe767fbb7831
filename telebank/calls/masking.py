"""Texts of a peer, made fit for logs and lists."""

MAX_TEXT = 120
"""Longest text of a peer that is kept, in characters."""
SHOWN = 5
"""Characters of a calling number that are shown: three before the stars, two behind."""


def plain(text: str) -> str:
    """`text` without what is no character, cut to a length that any log takes."""
    clean = text.encode("utf-8", "replace").decode("utf-8")
    printable = "".join(char if char.isprintable() else "?" for char in clean)
    return printable if len(printable) <= MAX_TEXT else printable[:MAX_TEXT] + "…"


def mask_caller(uri: str) -> str:
    """The calling number for lists: `138******78`; a hint of who calls, never proof."""
    user = plain(uri.partition(":")[2].partition("@")[0] or uri)
    return user if len(user) <= SHOWN else f"{user[:3]}{'*' * (len(user) - SHOWN)}{user[-2:]}"
