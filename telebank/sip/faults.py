"""A fault of ours, in a message, a timer or the application, costs the call that it is in: the
others, and the node, go on."""

from collections.abc import Hashable

from telebank.sip.core import Core
from telebank.sip.events import Command, DatagramReceived, Event
from telebank.sip.leg import Leg, LegState
from telebank.sip.message import MalformedMessage, Request, parse
from telebank.sip.transaction import State
from telebank.sip.uri import Hop

FAULT = "fault"
"""Kind of its `Trouble`."""


class Faults:
    """Of one user agent: counted, a line of log each within the log's limit."""

    def __init__(self, core: Core) -> None:
        self.count = 0
        self._core = core

    def in_event(self, error: Exception, event: Event, now: float) -> None:
        """Something that came in could not be dealt with."""
        if isinstance(event, DatagramReceived):
            source = Hop(*event.source)
            self._cost(error, self._concerned(event.data), source, now)
        else:
            self._cost(error, None, event.hop, now)

    def in_timer(self, error: Exception, owner: Hashable, now: float) -> None:
        """What a timer was for could not be done."""
        core = self._core
        leg = core.legs.get(owner) if isinstance(owner, str) else None
        if isinstance(owner, tuple):
            transaction = core.layer.clients.get(owner) or core.layer.servers.get(owner)
            if transaction is not None:  # without its timer it would never end
                core.layer.drop(transaction)
                leg = core.legs.get(transaction.leg)
        self._cost(error, leg, leg.peer if leg is not None else core.local, now)

    def in_fact(self, error: Exception, fact: Command, now: float) -> None:
        """The application failed over something that it was told."""
        leg = self._core.legs.get(getattr(fact, "leg", ""))
        self._cost(error, leg, leg.peer if leg is not None else self._core.local, now)

    def _concerned(self, data: bytes) -> Leg | None:
        """The leg that a message is for."""
        core = self._core
        try:
            message = parse(data)
        except MalformedMessage:
            return None
        if isinstance(message, Request):
            server = core.layer.find_server(message)
            return core.leg_of(message) or core.legs.get(server.leg if server else "")
        client = core.layer.clients.get(("c", message.via.branch, message.method))
        return core.legs.get(client.leg if client else "")

    def _cost(self, error: Exception, leg: Leg | None, source: Hop, now: float) -> None:
        self.count += 1
        self._core.trouble(FAULT, f"{type(error).__name__} at {_place(error)}", source)
        if leg is None:
            return
        try:
            self._core.end(leg, "error", "a fault of ours")
            self._part(leg, now)
        finally:
            self._core.forget(leg)

    def _part(self, leg: Leg, now: float) -> None:
        """Tell the other side, without a wait for what it says: the leg's state cannot be relied
        on."""
        core = self._core
        waiting = (State.TRYING, State.PROCEEDING)
        for server in [one for one in core.layer.servers.values() if one.leg == leg.id]:
            if server.state in waiting:
                core.answer(server, 500, now, to_tag=leg.local_tag)
        invite = core.layer.clients.get(leg.invite)
        if leg.state is LegState.CALLING and invite is not None:
            if leg.heard:
                core.layer.cancel(invite, now)
            core.layer.drop(invite)
        elif leg.state in (LegState.ANSWERED, LegState.LIVE) and leg.dialog is not None:
            core.request(leg, "BYE", now)


def _place(error: Exception) -> str:
    """Where it was raised. Its text may hold what came in, and is never told."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace else "an unknown place"
