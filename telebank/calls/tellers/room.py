"""The room of tellers of one node: queues and seats, and all that tellers and supervisors do.

room = TellerRoom(Centre(options, wall), options, clock)
room.attach(shell, node)                      # the node is about to take calls
room.enqueue(port, wants)                     # a caller
room.enter("chen", "Chen", "8001", {"general": 5})
room.hold("chen")                             # None, or the code of why not
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from telebank.agents.board import AnyRow, CallRow, QueueRow, SeatRow
from telebank.agents.options import QueueOptions
from telebank.calls.tellers.floor import Floor
from telebank.calls.tellers.talk import Seat, Talk

SHOWN = {"kept": "waiting", "calling": "ringing"}
"""States of a conversation as boards name them."""


class TellerRoom(Floor):
    """All of it, and what boards show."""

    def rows(self, *, for_supervisor: bool) -> list[AnyRow]:
        """All rows of a board; only supervisors see who is listened to."""
        return [
            *(self._seat_row(seat, for_supervisor) for seat in self._seats.values()),
            *self.queue_rows(),
            *(self._call_row(talk) for talk in self._talks.values()),
        ]

    def queue_rows(self) -> list[QueueRow]:
        """Those of queues alone."""
        return [self._queue_row(queue) for queue in self.options.queues]

    def seat_states(self) -> Mapping[str, int]:
        """How many seats are in each state; no rows are made for it."""
        return Counter(seat.state for seat in self._seats.values())

    def row(self, kind: str, key: str, *, for_supervisor: bool) -> AnyRow | None:
        """One row; None: it is no more."""
        if kind == "SeatRow":
            seat = self._seats.get(key)
            return None if seat is None else self._seat_row(seat, for_supervisor)
        if kind == "CallRow":
            talk = self._talks.get(key)
            return None if talk is None else self._call_row(talk)
        queue = self._queues.get(key)
        return None if queue is None else self._queue_row(queue)

    def _seat_row(self, seat: Seat, for_supervisor: bool) -> SeatRow:
        talk = self._own(seat.id)
        watchers = talk.conversation.watchers if talk is not None else {}
        view = self._machine.seat(seat.id)
        line = self._line_of(seat.id)
        return SeatRow(
            key=seat.id,
            name=seat.name,
            state=seat.state,
            since=_utc(seat.since),
            reason=seat.reason,
            next_state=view.next_state if view is not None else "",
            call=seat.call,
            phone=seat.phone,
            line=seat.browser.state if seat.browser is not None else "",
            rings=line is not None and line.rings,
            present=view is not None and view.present,
            queues=view.queues if view is not None else (),
            helps=view.helps if view is not None else (),
            calls_today=view.calls_today if view is not None else 0,
            talk_today_s=round(view.talk_today_s, 1) if view is not None else 0.0,
            not_called=seat.not_called,
            watched_by=" ".join(watchers) if for_supervisor else "",
        )

    def _queue_row(self, queue: QueueOptions) -> QueueRow:
        now = self._shell.endpoint.now()
        view = self._machine.queue(queue.name, now)
        if view is None:
            return QueueRow(key=queue.name, zh=queue.zh, en=queue.en)
        first = view.longest_since
        waits = None if first is None else self._clock.now() - timedelta(seconds=now - first)
        expected = view.expected_wait_s
        return QueueRow(
            key=queue.name,
            zh=queue.zh,
            en=queue.en,
            waiting=view.waiting,
            longest_since="" if waits is None else _to_second(waits),
            seats_ready=view.seats_ready,
            seats_in=view.seats_in,
            expected_wait_s=None if expected is None else round(expected),
            offered_today=view.came_today,
            answered_today=view.answered_today,
            in_time_today=view.in_time_today,
            abandoned_today=view.abandoned_today,
            soon_today=view.soon_today,
            away_today=view.away_today,
            open=view.open,
        )

    def _call_row(self, talk: Talk) -> CallRow:
        card, conversation = talk.port.card(), talk.conversation
        return CallRow(
            key=talk.ref,
            state=SHOWN.get(talk.state, talk.state),
            since=_utc(talk.since),
            began=card.began,
            caller=card.caller,
            language=card.language,
            queue=talk.queue,
            waited_s=round(talk.waited_s, 1),
            seat=conversation.teller or talk.ringing or talk.calling,
            others=tuple(party for party in (conversation.other,) if party),
            level=card.level,
            customer=card.customer,
            business=card.business,
            path=card.path,
            keys=card.keys,
            pin=talk.pin,
            pin_result=talk.pin_result,
            tries_left=talk.tries_left,
            step=talk.step,
            recording=talk.recording,
            direction=talk.direction,
            call_back=talk.kept,
            not_reached=talk.answered_by,
            limit=talk.limit,
        )


def _to_second(at: datetime) -> str:
    """Of a time that is computed again each time it is shown: else it would never be the same."""
    return _utc((at + timedelta(milliseconds=500)).replace(microsecond=0))


def _utc(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
