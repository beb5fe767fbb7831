"""The room of tellers of one node: queues and seats, and all that tellers and supervisors do.

room = TellerRoom(Centre(options, wall), options, clock)
room.attach(shell, node)                      # the node is about to take calls
room.enqueue(port, wants)                     # a caller
room.enter("chen", "Chen", "8001", {"general": 5})
room.hold("chen")                             # None, or the code of why not
"""

from datetime import datetime

import msgspec

from telebank.agents.board import AnyRow, CallRow, QueueRow, SeatRow
from telebank.agents.options import QueueOptions
from telebank.agents.views import QueueView
from telebank.calls.tellers.floor import Floor
from telebank.calls.tellers.talk import WAITING, Seat, Talk


class TellerRoom(Floor):
    """All of it, and what boards show."""

    def rows(self, *, for_supervisor: bool) -> list[AnyRow]:
        """All rows of a board; only supervisors see who is listened to."""
        return [
            *(self._seat_row(seat, for_supervisor) for seat in self._seats.values()),
            *(self._queue_row(queue) for queue in self.options.queues),
            *(self._call_row(talk) for talk in self._talks.values()),
        ]

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
        seen = self._shell.endpoint.now() - seat.seen_at
        view = self._machine.seat(seat.id)
        return SeatRow(
            key=seat.id,
            name=seat.name,
            state=seat.state,
            since=_utc(seat.since),
            reason=seat.reason,
            next_state=seat.next_state,
            call=seat.call,
            phone=seat.phone,
            present=seen <= self.options.presence_s,
            queues=() if view is None else view.queues,
            calls_today=seat.calls_today,
            talk_today_s=round(seat.talk_today_s, 1),
            watched_by=" ".join(watchers) if for_supervisor else "",
        )

    def _queue_row(self, queue: QueueOptions) -> QueueRow:
        waits = [talk for talk in self._talks.values() if talk.queue == queue.name]
        waits = [talk for talk in waits if talk.state in WAITING]
        first = min((talk.since for talk in waits), default=None)
        row = QueueRow(
            key=queue.name,
            zh=queue.zh,
            en=queue.en,
            waiting=len(waits),
            longest_since="" if first is None else _utc(first),
        )
        view = self._machine.queue(queue.name, self._shell.endpoint.now())
        return row if view is None else _with_figures(row, view)

    def _call_row(self, talk: Talk) -> CallRow:
        card, conversation = talk.port.card(), talk.conversation
        return CallRow(
            key=talk.ref,
            state=talk.state,
            since=_utc(talk.since),
            began=card.began,
            caller=card.caller,
            language=card.language,
            queue=talk.queue,
            waited_s=round(talk.waited_s, 1),
            seat=conversation.teller or talk.ringing,
            others=tuple(party for party in (conversation.other,) if party),
            level=card.level,
            customer=card.customer,
            business=card.business,
            path=card.path,
            keys=card.keys,
            pin=talk.pin,
            pin_result=talk.pin_result,
            recording=talk.recording,
        )


def _with_figures(row: QueueRow, view: QueueView) -> QueueRow:
    expected = view.expected_wait_s
    return msgspec.structs.replace(
        row,
        open=view.open,
        seats_ready=view.seats_ready,
        seats_in=view.seats_in,
        expected_wait_s=None if expected is None else float(round(expected)),
        offered_today=view.came_today,
        answered_today=view.answered_today,
        in_time_today=view.in_time_today,
        abandoned_today=view.abandoned_today,
    )


def _utc(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
