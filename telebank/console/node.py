"""The node, as the console asks it: who is logged in, and people's acts. It is the authority; the
console keeps no login and decides no right."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from telebank.ops.control_client import NodeAway, Octets, Refused, ask, fetch
from telebank.staff.roles import (
    FAX,
    FLOOR,
    HEAR,
    HEAR_OWN,
    KNOW,
    LOOK,
    MATTERS,
    REVIEW,
    RUNNING,
    SEE_MATTERS,
    SERVE,
    SIT,
    WATCH,
    Role,
    may,
)


@dataclass(frozen=True, slots=True)
class Person:
    """Who is logged in in a browser."""

    name: str
    role: Role
    token: str
    """Of his login; not for print."""

    def __repr__(self) -> str:
        return f"Person({self.name}, {self.role.value})"

    @property
    def may_fax(self) -> bool:
        """Whether he is shown how to send; the node decides it when he does."""
        return may(self.role, FAX)

    @property
    def may_sit(self) -> bool:
        """Whether he may have a desk."""
        return may(self.role, SIT)

    @property
    def may_serve(self) -> bool:
        """Whether he may do services for callers."""
        return may(self.role, SERVE)

    @property
    def may_look(self) -> bool:
        """Whether he may see how the customer in hand stands."""
        return may(self.role, LOOK)

    @property
    def may_know(self) -> bool:
        """Whether he may look articles up."""
        return may(self.role, KNOW)

    @property
    def may_matter(self) -> bool:
        """Whether he may have matters."""
        return may(self.role, MATTERS)

    @property
    def sees_matters(self) -> bool:
        """Whether he may see everybody's."""
        return may(self.role, SEE_MATTERS)

    @property
    def may_review(self) -> bool:
        """Whether he may read what was done, as an auditor."""
        return may(self.role, REVIEW)

    @property
    def sees_running(self) -> bool:
        """Whether he may see how a day went."""
        return may(self.role, RUNNING)

    @property
    def may_watch(self) -> bool:
        """Whether he may see everybody's."""
        return may(self.role, WATCH)

    @property
    def may_hear(self) -> bool:
        """Whether he may play recordings: his own, or all."""
        return may(self.role, HEAR_OWN) or self.hears_all

    @property
    def hears_all(self) -> bool:
        """Whether he may play others'."""
        return may(self.role, HEAR)

    @property
    def floor_rights(self) -> list[str]:
        """What he may do there, without the `floor.`."""
        return [right.partition(".")[2] for right in FLOOR if may(self.role, right)]


@dataclass(frozen=True, slots=True)
class Node:
    """Raises `telebank.ops.control_client.NodeAway`, and `Refused`."""

    socket: Path

    def login(self, name: str, password: str, code: str, address: str) -> Person:
        """Who has a new token."""
        body = {"name": name, "password": password, "code": code}
        answer = ask(self.socket, "POST", "/v1/login", body, address=address)
        return Person(name, Role(_text(answer, "role")), _text(answer, "token"))

    def logout(self, token: str, address: str) -> None:
        """End a login; one that is over already is no trouble."""
        try:
            ask(self.socket, "POST", "/v1/logout", {}, token, address=address)
        except Refused as refused:
            if refused.status != HTTPStatus.UNAUTHORIZED:
                raise

    def who(self, token: str, *, live: bool) -> Person | None:
        """Whose login it is. `live`: a page looks by itself, which is no act of his."""
        try:
            answer = ask(self.socket, "GET", f"/v1/whoami{'?live=1' if live else ''}", token=token)
        except Refused as refused:
            if refused.status != HTTPStatus.UNAUTHORIZED:
                raise
            return None
        return Person(_text(answer, "name"), Role(_text(answer, "role")), token)

    def missing(self) -> str:
        """Why no fax can go from this node, and what to do; empty where they can."""
        return str(ask(self.socket, "GET", "/v1/faxes").get("missing", ""))

    def send(self, body: Mapping[str, Any], token: str, address: str) -> str:
        """Have a fax sent; its id."""
        answer = ask(self.socket, "POST", "/v1/faxes", body, token, address=address)
        return _text(answer, "id")

    def act(self, path: str, body: Mapping[str, Any], token: str, address: str) -> dict[str, Any]:
        """One act of a desk or of a supervisor."""
        return ask(self.socket, "POST", path, body, token, address=address)

    def look(self, path: str, token: str) -> dict[str, Any]:
        """What stands at a path of a desk."""
        return ask(self.socket, "GET", path, token=token)

    def looks(self, body: Mapping[str, Any], token: str, address: str) -> str:
        """An auditor is about to look, and the log has it; the token of the customer whom he named
        by a number, if any."""
        answer = ask(self.socket, "POST", "/v1/audit/look", body, token, address=address)
        return _text(answer, "customer")

    def present(self, token: str) -> None:
        """The page of this person's desk is there."""
        ask(self.socket, "GET", "/v1/desk/board?wait=0&seat=1&live=1", token=token)

    def history(self, token: str, seat: str = "") -> dict[str, Any]:
        """Calls of today: one's own, or of a seat."""
        of = f"?{urlencode({'seat': seat})}" if seat else ""
        return ask(self.socket, "GET", f"/v1/desk/history{of}", token=token)

    def recordings(self, token: str, **asked: str) -> list[dict[str, Any]]:
        """Recordings: of a `seat` (empty: of all; absent: one's own), a `call`, a `day`."""
        answer = ask(self.socket, "GET", f"/v1/recordings?{urlencode(asked)}", token=token)
        found = answer.get("recordings")
        if not isinstance(found, list):
            raise NodeAway("the node's answer has no recordings", "unreadable")
        return found

    def play(self, name: str, token: str, address: str) -> Octets:
        """The sound of a recording, as FLAC."""
        return fetch(self.socket, "/v1/recordings/play", {"name": name}, token, address=address)

    def in_use(self) -> dict[str, int]:
        """Lines and how many there are, faxes, trunks and how many of them are well."""
        board = ask(self.socket, "GET", "/v1/board")
        peers = [[one["well"] for one in trunk["peers"]] for trunk in board["trunks"]]
        return {
            "lines": len(board["lines"]),
            "capacity": board["capacity"],
            "faxes": board["faxes"],
            "trunks": len(peers),
            "well": sum(not well or any(well) for well in peers),
        }

    def cancel(self, fax: str, request_id: str, token: str, address: str) -> None:
        """Stop a fax."""
        path, body = f"/v1/faxes/{fax}/cancel", {"request_id": request_id}
        ask(self.socket, "POST", path, body, token, address=address)


def _text(answer: Mapping[str, Any], name: str) -> str:
    """A field of an answer; without it nobody knows what became of the act."""
    value = answer.get(name)
    if not isinstance(value, str):
        raise NodeAway(f"the node's answer has no {name}: look what became of it", "unreadable")
    return value
