"""The web page has words for every service that the menus ask, and for every exit of it."""

from pathlib import Path

from telebank.console.texts import WORDS
from telebank.flow.load import load_release
from telebank.flow.model import Call

SHIPPED = load_release(Path(__file__).resolve().parents[3] / "config")


def test_no_service_and_no_exit_is_shown_as_its_code() -> None:
    nodes = [node for flow in SHIPPED.flows.values() for node in flow.nodes.values()]
    asked = {node.service for node in nodes if isinstance(node, Call)}
    exits = {name for service in asked for name in SHIPPED.contracts[service].outcomes}
    for words in WORDS.values():
        assert asked - words.services.keys() == set()
        assert exits - words.exits.keys() == set()
