"""What the proxy between adapter and host does to which message; read from the scenario file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core_adapters.profiles.yamlread import Section

ROLES = (
    *("request", "reply", "reversal", "reversal_reply", "repeat", "repeat_reply"),
    *("key_change", "key_change_reply"),
    *("query", "query_reply", "network", "network_reply"),
)
"""A message by what it is to the scenario's service, whatever its MTI in the profile."""
ACTS = {
    "drop": "The message goes no further.",
    "delay": "It is held for `by` times the service's time-out.",
    "duplicate": "It is sent twice.",
    "garble": "Some of its bytes are turned over, chosen by the seed.",
    "cut": "`at` bytes of its frame go on, then both connections are cut; -1: the whole frame.",
    "bad_mac": "The last byte of its MAC is wrong.",
    "set": "Field `field` becomes `to` (absent: the field is taken out), and the MAC is made new.",
    "answer": "The host never sees it: the proxy answers with `code`, or one of `class`.",
    "hold": "It is held until a message of role `until` has passed.",
    "oversize": "A frame above the profile's longest goes in its place.",
    "drip": "Its first bytes go one at a time, the rest never.",
    "bad_key": "A key exchange (network code 101) with a bad block comes in front of it.",
    "fall": "It is lost: its address is cut and takes no connection any more.",
    "error": "The database fails it with an error of `class`, or with `code` as its SQLSTATE.",
    "rows": "The reply has `at` rows instead of one.",
    "no_code": "The reply's row is without its result code.",
    "cut_over": "A cut-over (network code 201) from the host goes in front of it.",
}
MAX_FAULTS = 10


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of a scenario's `faults`; see `ACTS`."""

    on: str
    do: str
    times: int = 1
    skip: int = 0
    by: float = 0.0
    at: int = -1
    field: int = 0
    to: str = ""
    code: str = ""
    kind: str = ""
    until: str = ""
    text: str = ""
    """As the file has it, for the report."""


@dataclass(slots=True)
class _Rule:
    fault: Fault
    left: int
    skip: int


class Rules:
    """A scenario's faults as they are used up, in order."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._rules = [_Rule(fault, fault.times, fault.skip) for fault in faults]
        self.played = 0
        """Faults given out so far."""

    def take(self, role: str) -> Fault | None:
        """What is to be done to the next message of a role."""
        for rule in self._rules:
            if rule.fault.on != role or rule.left <= 0:
                continue
            if rule.skip > 0:
                rule.skip -= 1
                continue
            rule.left -= 1
            self.played += 1
            return rule.fault
        return None


def read_faults(section: Section, key: str) -> tuple[Fault, ...]:
    """The list under `key`; raises `ProfileError` with file and line."""
    rows = section.take(key, list, [])
    if len(rows) > MAX_FAULTS:
        raise section.error(f"at most {MAX_FAULTS} faults", key)
    line = section.line_of(key)
    return tuple(_fault(Section(row, section.file, line, f"{section.name}.{key}")) for row in rows)


def _fault(row: Section) -> Fault:
    text = " ".join(f"{key}={_plain(row, key)}" for key in row)
    fault = Fault(
        on=row.choice("on", ROLES),
        do=row.choice("do", tuple(ACTS)),
        times=row.take("times", int, 1),
        skip=row.take("skip", int, 0),
        by=float(row.take("by", object, 0.0)),
        at=row.take("at", int, -1),
        field=row.take("field", int, 0),
        to=row.take("to", str, ""),
        code=row.take("code", str, ""),
        kind=row.take("class", str, ""),
        until=row.choice("until", ("", *ROLES), ""),
        text=text,
    )
    row.done()
    if fault.do == "answer" and not (fault.code or fault.kind):
        raise row.error("`answer` needs `code` or `class`")
    if fault.do == "hold" and not fault.until:
        raise row.error("`hold` needs `until`")
    return fault


def _plain(row: Section, key: Any) -> str:
    return str(row.take(key, object))
