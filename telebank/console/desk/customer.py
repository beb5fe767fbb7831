"""`/desk/customer`: how the customer in hand stands, and his last calls, on the node's word; the
node writes down that somebody looked, so a page asks only where its person wants to see it."""

from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, abort, jsonify, request
from werkzeug.wrappers import Response as AnyResponse

from telebank.console.desk.pages import no
from telebank.console.login import logged_in, no_live, person
from telebank.console.node import Node
from telebank.ops.control_client import NodeAway, Refused

HERE: Final = "/v1/desk/customer"


class CustomerPages:
    """What the script of the desk asks; `gate` stands before it."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def blueprint(self) -> Blueprint:
        """`/desk/customer`."""
        pages = Blueprint("customer", __name__, url_prefix="/desk/customer")
        pages.before_request(self.gate)
        pages.add_url_rule("", "look", self.look)
        return pages

    def gate(self) -> AnyResponse | None:
        """Who is logged in, and whether he may look. Raises `NodeAway`."""
        if not logged_in(self._node, live=False):
            return no_live()
        if not person().may_look:
            abort(HTTPStatus.FORBIDDEN)
        return None

    def look(self) -> AnyResponse:
        """The customer of a call, or why not."""
        asked = urlencode({"call": request.args.get("call", "")[:64]})
        try:
            return jsonify(self._node.look(f"{HERE}?{asked}", person().token))
        except NodeAway as away:
            return no(HTTPStatus.SERVICE_UNAVAILABLE, away.code or "away", str(away))
        except Refused as refused:
            return no(refused.status, refused.code, str(refused))
