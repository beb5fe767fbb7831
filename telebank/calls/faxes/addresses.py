"""Mail addresses that the bank has of its customers: asked for, judged, and masked for people."""

import re
from collections.abc import Sequence

import structlog

from telebank.calls.faxes.composer import NoPaper
from telebank.calls.services import FaxAsked

log = structlog.get_logger("telebank.faxes")

REGISTERED = "customer.mail"
LONGEST, LONGEST_LOCAL = 254, 64
"""Characters of an address, and of what stands before its `@` (RFC 5321 section 4.5.3.1, RFC 3696
erratum 1690)."""
NO_ADDRESS = "no_address"
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'+/=?^_`{|}~-]+)*")
"""RFC 5321 section 4.1.2, Dot-string. Without the star: it stands for digits that we masked."""
_DOMAIN = re.compile(
    r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])"
)
_SHAPE = re.compile(r"[^\s<>()\[\]:;,\"'@]+@[\w-]+(\.[\w-]+)*")
TELLING = 3
"""Characters from which on a name in a server's words is taken for that of an address."""


def wrong_with(address: str) -> str:
    """Why nothing is mailed there; empty where it may be. Says nothing of the address itself."""
    local, _, domain = address.rpartition("@")
    if not address.isascii():
        return "it has characters that are not ASCII"
    if not address.isprintable() or " " in address:
        return "it has a space or a control character"
    if address.count("@") != 1:
        return f"it has {address.count('@')} times @ and not once"
    if len(address) > LONGEST or len(local) > LONGEST_LOCAL:
        return f"it is longer than {LONGEST} characters, or than {LONGEST_LOCAL} before the @"
    if _LOCAL.fullmatch(local) is None or "=?" in local:  # RFC 2047: readers decode it
        return "what stands before the @ is no plain name"
    return "" if _DOMAIN.fullmatch(domain) else "what stands behind the @ is no domain"


def masked(address: str) -> str:
    """`l***@example.com`: its first character and its domain."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}"


def hidden(text: str, to: Sequence[str]) -> str:
    """What a server said, for people: addresses masked, and the names in those it was of."""
    text = _SHAPE.sub(lambda found: masked(found[0]), text)
    for local in (address.rpartition("@")[0] for address in to):
        if len(local) >= TELLING:
            name = rf"(?<!\w){re.escape(local)}(?!\w)"
            text = re.sub(name, lambda found: f"{found[0][0]}***", text, flags=re.IGNORECASE)
    return text


async def registered_address(asked: FaxAsked) -> str | NoPaper:
    """The mail address that the bank has of the customer who has proved himself.

    `no_address` where it has none that anything can be mailed to; nobody else has one that is his.
    """
    card = asked.fax.authenticated
    if card is None:
        return NoPaper(NO_ADDRESS, "nobody has proved himself")
    answer = await asked.ask(REGISTERED, {"card": card})
    found = answer.data.get("mail")
    if answer.exit == "ok" and isinstance(found, str):
        wrong = wrong_with(found)
        if not wrong:
            return found
        log.warning("mail.address", call=asked.call, why=wrong)
        return NoPaper(NO_ADDRESS, wrong)
    if answer.exit == "none":
        return NoPaper(NO_ADDRESS, "no address is registered")
    log.warning("mail.address", call=asked.call, why=f"{REGISTERED} took {answer.exit}")
    return NoPaper("not_available", f"{REGISTERED} took {answer.exit}")
