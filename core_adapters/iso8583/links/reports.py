"""What happens on the links, told to the owner and to whoever watches the frames."""

from core_adapters.iso8583.errors import DecodeError
from core_adapters.iso8583.links.driver_types import DriverEvents
from core_adapters.iso8583.links.mux_types import Link, TrafficMoved, Unmatched
from core_adapters.iso8583.links.trace import Tracer
from core_adapters.iso8583.options import Iso8583Options


class Reports:
    """Events and trace say the same."""

    def __init__(self, events: DriverEvents, trace: Tracer, options: Iso8583Options) -> None:
        self._events = events
        self._trace = trace
        self._addresses = options.ranked

    def trouble(self, link: Link, why: str) -> None:
        """Something is wrong with a link."""
        self._events.alarm("link", f"link {link}: {why}")

    def up(self, link: Link) -> None:
        """A link is signed on."""
        self._trace.link(link, "signed on", up=True)
        self._events.link(link, True, "signed on")

    def down(self, link: Link, why: str) -> None:
        """A link is not signed on any more."""
        self._trace.link(link, why, up=False)
        self._events.link(link, False, why)

    def moved(self, command: TrafficMoved) -> None:
        """Fail-over or fail-back."""
        old, new = self._addresses[command.old], self._addresses[command.new]
        if command.new < command.old:
            text = f"fail-back: traffic goes to {new} again, from {old}"
        else:
            text = f"fail-over: traffic goes to {new}; no link to {old} is signed on"
        self._events.alarm("link", text)

    def unmatched(self, command: Unmatched) -> None:
        """A frame that is nobody's reply."""
        self._trace.unmatched(command.link, command.message, command.why)
        text = f"link {command.link}: {command.message!r}: {command.why}"
        self._events.alarm("unmatched", text)

    def undecodable(self, link: Link, size: int, error: DecodeError) -> None:
        """A frame that is no message of the profile; the error carries no content."""
        self._trace.undecodable(link, size, error)
        self._events.alarm("undecodable", f"link {link}: {error}")
