"""The headers of digest authentication: challenges and credentials (RFC 3261 sections 20.7, 20.27,
20.28, 20.44 and 25.1, RFC 7616 section 3, RFC 8760).

Reading is wide: quoted or not, any order, several values in a line, other schemes and unknown
parameters passed over. What breaks the grammar counts as not there; nothing here raises on input.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from telebank.sip.headers import QUOTED, TOKEN, unquote

MAX_LENGTH = 4_096
"""Characters of a header line that is looked at; longer ones count as not there."""
MAX_LINES = 8
"""Lines of one header name that are looked at."""
MAX_VALUES = 8
"""Values of one line that are looked at."""
MAX_PARAMS = 32
"""Parameters of one value."""
# qop-value, nonce-count = 8LHEX
_COUNT = re.compile(r"[0-9A-Fa-f]{8}")
# other-challenge = auth-scheme LWS auth-param *(COMMA auth-param); a bare scheme is let pass
_SCHEME = re.compile(rf"[ \t,]*+({TOKEN})(?:[ \t]++(?=[^=,])|[ \t]*+(?=,|\Z))")
# auth-param = auth-param-name EQUAL ( token / quoted-string )
_AUTH_PARAM = re.compile(
    rf"[ \t,]*+({TOKEN})[ \t]*+=[ \t]*+(?:({QUOTED})|([^\s,\"]++))[ \t]*+(?=,|\Z)"
)
_GAP = re.compile(r"[ \t,]*+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Challenge:
    """One digest challenge of a WWW-Authenticate or Proxy-Authenticate header."""

    realm: str
    nonce: str
    algorithm: str = ""
    """As it came; empty where absent, which means MD5."""
    qop: tuple[str, ...] = ()
    """Lower case; empty where absent (RFC 2069)."""
    opaque: str | None = None
    stale: bool = False

    def written(self) -> str:
        """The header value. Raises `ValueError` for control characters."""
        parts = [f"realm={quoted(self.realm)}", f"nonce={quoted(self.nonce)}"]
        if self.opaque is not None:
            parts.append(f"opaque={quoted(self.opaque)}")
        if self.stale:
            parts.append("stale=true")
        if self.algorithm:
            parts.append(f"algorithm={self.algorithm}")
        if self.qop:
            parts.append(f"qop={quoted(','.join(self.qop))}")
        return "Digest " + ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Credentials:
    """The digest credentials of an Authorization or Proxy-Authorization header."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str = field(repr=False)
    """Lower-case hexadecimal. Not printed: passwords can be tried against it."""
    algorithm: str = ""
    qop: str = ""
    """Lower case; empty where absent, and then so are `nc` and `cnonce`."""
    nc: str = ""
    """The nonce count as sent, eight hexadecimal digits."""
    cnonce: str = ""
    opaque: str | None = None

    @property
    def count(self) -> int:
        """The nonce count; 1 where the client sends none."""
        return int(self.nc, 16) if self.nc else 1

    def written(self) -> str:
        """The header value. Raises `ValueError` for control characters."""
        parts = [
            f"username={quoted(self.username)}",
            f"realm={quoted(self.realm)}",
            f"nonce={quoted(self.nonce)}",
            f"uri={quoted(self.uri)}",
            f"response={quoted(self.response)}",
        ]
        if self.algorithm:
            parts.append(f"algorithm={self.algorithm}")
        if self.qop:
            parts += [f"qop={self.qop}", f"nc={self.nc}", f"cnonce={quoted(self.cnonce)}"]
        if self.opaque is not None:
            parts.append(f"opaque={quoted(self.opaque)}")
        return "Digest " + ", ".join(parts)


def read_challenges(lines: Iterable[str]) -> list[Challenge]:
    """The digest challenges of a message, in order; others are passed over."""
    return [found for params in _digests(lines) if (found := _challenge(params)) is not None]


def read_credentials(lines: Iterable[str]) -> list[Credentials]:
    """The digest credentials of a message, in order; others are passed over."""
    return [found for params in _digests(lines) if (found := _credentials(params)) is not None]


def quoted(text: str) -> str:
    """A quoted-string. Raises `ValueError` for control characters, which no header may hold."""
    if _CONTROL.search(text):
        raise ValueError("a control character in a header parameter")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _challenge(params: dict[str, str]) -> Challenge | None:
    if "realm" not in params or not params.get("nonce"):
        return None
    algorithm = params.get("algorithm", "")
    if algorithm and not re.fullmatch(TOKEN, algorithm):
        return None
    offered = (item.strip(" \t").lower() for item in params.get("qop", "").split(","))
    return Challenge(
        params["realm"],
        params["nonce"],
        algorithm,
        tuple(item for item in offered if item),
        params.get("opaque"),
        params.get("stale", "").lower() == "true",
    )


def _credentials(params: dict[str, str]) -> Credentials | None:
    if not all(params.get(name) for name in ("username", "nonce", "uri", "response")):
        return None
    algorithm, qop = params.get("algorithm", ""), params.get("qop", "").lower()
    if "realm" not in params or (algorithm and not re.fullmatch(TOKEN, algorithm)):
        return None
    nc, cnonce = (params.get("nc", ""), params.get("cnonce", "")) if qop else ("", "")
    if qop and not (re.fullmatch(TOKEN, qop) and _COUNT.fullmatch(nc) and cnonce):
        return None
    return Credentials(
        params["username"],
        params["realm"],
        params["nonce"],
        params["uri"],
        params["response"].lower(),
        algorithm,
        qop,
        nc,
        cnonce,
        params.get("opaque"),
    )


def _digests(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    for _, line in zip(range(MAX_LINES), lines, strict=False):
        for scheme, params in _values(line):
            if scheme == _DIGEST:
                yield params


def _values(line: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Scheme and parameters of each value in a line, up to the first that is broken: nothing
    behind that one can be told apart from it."""
    if len(line) > MAX_LENGTH or _CONTROL.search(line):
        return
    at = 0
    for _ in range(MAX_VALUES):
        scheme = _SCHEME.match(line, at)
        if scheme is None:
            return
        params, at = _params(line, scheme.end())
        if params is None:
            return
        yield scheme[1].lower(), params


def _params(line: str, at: int) -> tuple[dict[str, str] | None, int]:
    params: dict[str, str] = {}
    while (found := _AUTH_PARAM.match(line, at)) is not None:
        name, text, plain = found.groups()
        # Said twice it would mean one thing to us and another to the next element.
        if name.lower() in params or len(params) >= MAX_PARAMS:
            return None, at
        params[name.lower()] = plain if text is None else unquote(text)
        at = found.end()
    gap = _GAP.match(line, at)
    at = gap.end() if gap else at
    if at < len(line) and _SCHEME.match(line, at) is None:
        return None, at
    return params, at
