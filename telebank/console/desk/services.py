"""`/desk/services`: forms of services at a teller's desk, on the node's word.

The node makes the forms, checks what is filled in, reads back, asks for the caller's PIN and does
it once; nothing is kept here.
"""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Annotated, Final
from urllib.parse import urlencode

import msgspec
from flask import Blueprint, abort, jsonify, request
from werkzeug.wrappers import Response as AnyResponse

from telebank.console.desk.acts import Act
from telebank.console.desk.pages import done, no
from telebank.console.login import logged_in, no_live, person
from telebank.console.node import Node
from telebank.ops.control_client import NodeAway, Refused

HERE: Final = "/v1/desk/services"
LIVE: Final = frozenset({"services.slip"})
"""What a page asks by itself while the node works: no act of anybody."""
_Id = Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z._-]{1,64}$")]
_Written = Annotated[str, msgspec.Meta(max_length=200)]


class Quote(Act, frozen=True):
    """A form, filled in."""

    call: _Id
    service: _Id
    fields: Annotated[dict[_Id, _Written], msgspec.Meta(max_length=24)]


class OfSlip(Act, frozen=True):
    """On what was read back."""

    call: _Id
    slip: _Id


ACTS: Final[Mapping[str, type[Act]]] = MappingProxyType(
    {"quote": Quote, **dict.fromkeys(("confirm", "told", "say"), OfSlip)}
)


class ServicePages:
    """What the script of the desk asks; `gate` stands before it."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def blueprint(self) -> Blueprint:
        """`/desk/services` and what is below."""
        pages = Blueprint("services", __name__, url_prefix="/desk/services")
        pages.before_request(self.gate)
        pages.add_url_rule("", "forms", self.forms)
        pages.add_url_rule("/slip", "slip", self.slip)
        pages.add_url_rule("/<act>", "act", self.act, methods=["POST"])
        return pages

    def gate(self) -> AnyResponse | None:
        """Who is logged in, and whether he may serve. Raises `NodeAway`."""
        if not logged_in(self._node, live=request.endpoint in LIVE):
            return no_live()
        if not person().may_serve:
            abort(HTTPStatus.FORBIDDEN)
        return None

    def forms(self) -> AnyResponse:
        """Those for a caller, and what is under way."""
        return self._look("", "call")

    def slip(self) -> AnyResponse:
        """How one stands."""
        return self._look("/slip", "call", "slip")

    def act(self, act: str) -> AnyResponse:
        """Do it, or say why not."""
        return done(self._node, ACTS, act, HERE)

    def _look(self, path: str, *names: str) -> AnyResponse:
        asked = {name: request.args.get(name, "")[:64] for name in names}
        live = {"live": "1"} if request.endpoint in LIVE else {}
        try:
            answer = self._node.look(f"{HERE}{path}?{urlencode(asked | live)}", person().token)
        except NodeAway as away:
            return no(HTTPStatus.SERVICE_UNAVAILABLE, away.code or "away", str(away))
        except Refused as refused:
            return no(refused.status, refused.code, str(refused))
        return jsonify(answer)
