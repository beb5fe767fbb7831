"""Texts of a peer, made fit for logs and lists."""

from telebank.sip import BadUri, CallOffered
from telebank.sip.uri import SipUri

MAX_TEXT = 120
"""Longest text of a peer that is kept, in characters."""
ANONYMOUS = "anonymous"
SHOWN = 5
"""Characters of a calling number that are shown: three before the stars, two behind."""


def plain(text: str) -> str:
    """`text` without what is no character, cut to a length that any log takes."""
    clean = text.encode("utf-8", "replace").decode("utf-8")
    printable = clean
    if not clean.isprintable():
        printable = "".join(char if char.isprintable() else "?" for char in clean)
    return printable if len(printable) <= MAX_TEXT else printable[:MAX_TEXT] + "…"


def mask_caller(uri: str) -> str:
    """The calling number for lists: `138******78`; a hint of who calls, never proof."""
    user = plain(uri.partition(":")[2].partition("@")[0] or uri)
    return user if len(user) <= SHOWN else f"{user[:3]}{'*' * (len(user) - SHOWN)}{user[-2:]}"


def shown_caller(offered: CallOffered) -> str:
    """Who calls, for lists and events: masked, nothing of who does not want to be shown."""
    who = offered.identities
    return ANONYMOUS if who is not None and who.private else mask_caller(offered.from_uri)


def hint_of(offered: CallOffered) -> str:
    """The calling number in clear, as a hint of who may call; empty where the call was forwarded to
    us or its number is withheld: then it is none."""
    who = offered.identities
    if who is None:
        return user_of(offered.from_uri)
    if who.diverted or who.private:
        return ""
    return who.caller.number or user_of(offered.from_uri)


def user_of(uri: str) -> str:
    """The user part of a SIP address, in clear; empty where it is none."""
    try:
        return SipUri.parse(uri).user
    except BadUri:
        return ""
