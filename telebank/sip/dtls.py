"""What descriptions say of DTLS-SRTP and ICE: fingerprint (RFC 8122), setup (RFC 4145, RFC 5763),
ICE (RFC 8839), mid and BUNDLE (RFC 5888, RFC 9143). The handshake itself is the media plane's.

We are an ICE-lite agent (RFC 8445 2.5): one host candidate, and the peer does the checks.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Setup = Literal["active", "passive", "actpass", "holdconn"]
SETUPS: tuple[Setup, ...] = ("active", "passive", "actpass", "holdconn")
MAX_ATTRIBUTES = 16
"""Fingerprints of one m= section that are read, and names in a group."""
HASH = "sha-256"
CANDIDATE_PRIORITY = (126 << 24) + (65_535 << 8) + 255
"""RFC 8445 5.1.2.1: a host candidate, the only address, component 1."""
_FINGERPRINT = re.compile(r"([A-Za-z0-9\-]{1,16})[ \t]+([0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){0,63})")
_SHA_256 = 32
_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")
_PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,256}")
_MID = re.compile(r"[!#-'*+\-.0-9A-Z^-~]{1,32}")
Attributes = Sequence[tuple[str, str]]


class NotAgreeable(ValueError):  # noqa: N818 - what it is, not that it is an error
    """The description asks for DTLS in a way that we cannot have; the text says which."""


@dataclass(frozen=True, slots=True)
class Ice:
    """Credentials of one side (RFC 8839 5.4)."""

    ufrag: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DtlsSide:
    """What one side's m= section says."""

    fingerprint: str
    """SHA-256, upper case with colons."""
    setup: Setup | None
    """None: nothing is said, which is `active` in an offer and `passive` in an answer."""
    ice: Ice | None
    """None: it speaks none, or is as lite as we are: then nobody checks anything."""


def read_dtls(attributes: Attributes, *, lite: bool) -> DtlsSide:
    """Of an m= section with what the session says for all; `lite`: that has a=ice-lite. Raises
    `NotAgreeable`."""
    setup = _first(attributes, "setup").lower()
    if setup not in ("", *SETUPS):
        raise NotAgreeable("a=setup is none of active, passive, actpass and holdconn")
    if setup == "holdconn":
        raise NotAgreeable("a=setup:holdconn, so that nobody would begin DTLS")
    if ("rtcp-mux", "") not in attributes:
        raise NotAgreeable("DTLS without a=rtcp-mux")
    said = next((each for each in SETUPS if each == setup), None)
    return DtlsSide(_fingerprint(attributes), said, None if lite else _ice(attributes))


def _fingerprint(attributes: Attributes) -> str:
    others = []
    for value in [value for name, value in attributes if name == "fingerprint"][:MAX_ATTRIBUTES]:
        found = _FINGERPRINT.fullmatch(value)
        if found is not None and found[1].lower() == HASH:
            if found[2].count(":") != _SHA_256 - 1:
                raise NotAgreeable("a=fingerprint of sha-256 has not 32 octets")
            return found[2].upper()
        others.append(found[1].lower() if found is not None else "something unreadable")
    told = f"is of {', '.join(others)}: only {HASH} is taken" if others else "is missing"
    raise NotAgreeable(f"a=fingerprint {told}")


def _ice(attributes: Attributes) -> Ice | None:
    ufrag, password = _first(attributes, "ice-ufrag"), _first(attributes, "ice-pwd")
    if not ufrag and not password:
        return None
    if _UFRAG.fullmatch(ufrag) is None or _PASSWORD.fullmatch(password) is None:
        raise NotAgreeable("a=ice-ufrag or a=ice-pwd is missing or malformed")
    return Ice(ufrag, password)


def has_ice(attributes: Attributes) -> bool:
    """Whether a section names credentials of ICE: then its c= and port may mean nothing."""
    return bool(_first(attributes, "ice-ufrag"))


def begins(theirs: Setup | None, *, offered: bool) -> bool:
    """Whether we begin the handshake, by what an offer (`offered`) or an answer says.

    To `actpass` we answer passive: RFC 5763 5 recommends active, but a peer behind address
    translation, which its description does not show, can only be reached once it has sent.
    """
    if offered:
        return theirs == "passive"
    return theirs in ("passive", None)


def dtls_lines(fingerprint: str, setup: Setup) -> list[str]:
    """Ours, of an m= section."""
    return [f"a=setup:{setup}", f"a=fingerprint:{HASH} {fingerprint}"]


def ice_lines(ours: Ice, address: str, port: int) -> list[str]:
    """Ours, of an m= section; the session has a=ice-lite."""
    return [
        f"a=ice-ufrag:{ours.ufrag}",
        f"a=ice-pwd:{ours.password}",
        f"a=candidate:1 1 UDP {CANDIDATE_PRIORITY} {address} {port} typ host",
    ]


def mid_of(attributes: Attributes) -> str:
    """The section's name, empty where it has none that can be said again."""
    mid = _first(attributes, "mid")
    return mid if _MID.fullmatch(mid) else ""


def bundled(session: Attributes, mid: str) -> bool:
    """Whether the section of that name is in the session's bundle."""
    groups = [value.split() for name, value in session if name == "group"]
    return any(one[:1] == ["BUNDLE"] and mid in one[1 : MAX_ATTRIBUTES + 1] for one in groups)


def _first(attributes: Attributes, name: str) -> str:
    return next((value for key, value in attributes if key == name), "")
