"""One request and its reply, with the fault that it meets on its way."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace

import structlog

from core_adapters.corehost.desk import FORMAT_ERROR, reply_to
from core_adapters.corehost.faults import NETWORK, Act, Fault
from core_adapters.corehost.hall import Hall, Line
from core_adapters.corehost.orders import Answer, BadMessage, Key, Order
from core_adapters.corehost.rules import business_date
from core_adapters.iso8583.errors import DecodeError, EncodeError
from core_adapters.iso8583.format.framing import Frame, FrameOptions, swap_tpdu, wrap
from core_adapters.iso8583.format.message import Message

EXIT_BY_FAULT = 70
"""Exit code of a process that a fault plan ended."""
AWAY = "91"
OK = "00"

log = structlog.get_logger("corehost.server")


class Exchange:
    """Goes from the plan of faults to the desk and back to the line."""

    def __init__(self, line: Line, hall: Hall, frame: Frame, message: Message) -> None:
        self._line = line
        self._hall = hall
        self._frame = frame
        self._message = message
        self._fault: Fault | None = None

    def begin(self) -> None:
        """Play what the plan has before the bank is asked, then ask."""
        self._fault = fault = self._hall.faults.take(self._message, self._hall.where(self._line))
        match fault:
            case None:
                self._ask()
            case Fault(act=Act.DIE_BEFORE):
                os._exit(EXIT_BY_FAULT)
            case Fault(act=Act.DROP_BEFORE):
                self._line.ended()
            case Fault(act=Act.CUT_BEFORE):
                self._line.ended()
                self._line.cut()
            case Fault(act=Act.DELAY_BEFORE, seconds=seconds):
                asyncio.get_running_loop().call_later(seconds, self._ask)
            case Fault(act=Act.CODE, text=code):
                self._refuse(code)
            case Fault(act=Act.REFUSE_SIGN_ON):
                self._refuse(AWAY)
            case Fault(act=Act.HOLD_FOR_REVERSAL):
                self._hold()
            case Fault(act=Act.CUT_OVER_BEFORE):
                self._hall.cut_over()
                self._ask()
            case _:
                self._ask()

    def _refuse(self, code: str) -> None:
        """Answer this code; the bank is not asked."""
        self._reply(self._written(lambda _order: Answer(code)))

    def _written(self, judge: Callable[[Order], Answer]) -> Message:
        """The reply to what the bank need not be asked."""
        order, now = Order(self._message, self._hall.codec), self._hall.clock()
        day = self._hall.day.today(now) if self._hall.day is not None else business_date(now)
        try:
            answer = judge(order)
        except DecodeError:
            answer = Answer(FORMAT_ERROR)
        return reply_to(order, order.written(answer), day)

    def _hold(self) -> None:
        key = self._key(reversed_=False)
        if key is None or not self._hall.hold(key, self._ask):
            self._ask()

    def _key(self, *, reversed_: bool) -> Key | None:
        """What names this message, or the message that it reverses."""
        order = Order(self._message, self._hall.codec)
        try:
            return order.original if reversed_ else order.key
        except BadMessage:
            return None

    def _ask(self) -> None:
        keys, network = self._hall.keys, self._hall.codec.profile.network
        if keys is not None and self._message.get(70) == network.key_change:
            self._answered(self._written(keys.answer))
            return
        self._hall.teller.submit(self._message, self._answered)

    def _answered(self, reply: Message) -> None:
        """Play what the plan has between the bank's commit and its reply."""
        match self._fault:
            case Fault(act=Act.DIE_AFTER):
                os._exit(EXIT_BY_FAULT)
            case Fault(act=Act.DROP_AFTER):
                self._line.ended()
            case Fault(act=Act.CUT_AFTER):
                self._line.ended()
                self._line.cut()
            case Fault(act=Act.DELAY, seconds=seconds):
                asyncio.get_running_loop().call_later(seconds, self._reply, reply)
            case Fault(act=Act.WRONG_FIELD, field=number, text=text):
                fields = {**reply.fields, number: text}
                self._reply(Message(reply.mti, {n: v for n, v in fields.items() if v}))
            case Fault(act=Act.CUT_OVER_AFTER):
                self._hall.cut_over()
                self._reply(reply)
            case _:
                self._reply(reply)
        self._after(reply)

    def _after(self, reply: Message) -> None:
        """What an answer means to the host itself, whether or not it arrives."""
        network = self._message.get(70) if reply.get(39) == OK else None
        if network in (NETWORK["sign_on"], NETWORK["sign_off"]):
            self._line.signed_on = network == NETWORK["sign_on"]
        if self._fault is not None and self._fault.act is Act.SIGN_OFF:
            self._hall.sign_off(self._line)
        if self._hall.held and self._message.mti.startswith("04"):
            key = self._key(reversed_=True)
            if key is not None:
                self._hall.release(key)

    def _reply(self, reply: Message) -> None:
        self._line.ended()
        codec = self._hall.codec
        try:
            body = codec.encode(reply, self._hall.mac)
        except EncodeError as error:
            log.error("reply_not_encoded", mti=reply.mti, why=str(error))
            return
        self._send(body)

    def _send(self, body: bytes) -> None:
        """Play what the plan has on the wire."""
        match self._fault:
            case Fault(act=Act.GARBLE):
                self._line.send(self._framed(bytes(byte ^ 0xFF for byte in body)))
            case Fault(act=Act.BAD_MAC):
                self._line.send(self._framed(body[:-1] + bytes([body[-1] ^ 0xFF])))
            case Fault(act=Act.DUPLICATE):
                self._line.send(self._framed(body) * 2)
            case Fault(act=Act.CUT_REPLY_AT, count=count):
                self._line.finish(self._framed(body)[:count])
            case Fault(act=Act.OVERSIZED):
                self._line.send(oversized(body, self._hall.codec.profile.frame))
            case Fault(act=Act.BAD_LENGTH, count=count):
                frame = self._hall.codec.profile.frame
                self._line.send(length_header(count, frame) + self._framed(body)[frame.size :])
            case Fault(act=Act.SLOW_LORIS, seconds=seconds):
                self._line.drip(self._framed(body), seconds)
            case _:
                self._line.send(self._framed(body))

    def _framed(self, body: bytes) -> bytes:
        return wrap(body, self._hall.codec.profile.frame, swap_tpdu(self._frame.tpdu))


def oversized(body: bytes, frame: FrameOptions) -> bytes:
    """The message and zeros behind it, one byte longer than the profile allows; where the header
    cannot say so much, as long as it can say."""
    size = min(frame.max_bytes + 1, frame.most)
    return wrap(body.ljust(size, b"\x00"), replace(frame, max_bytes=frame.most), b"")


def length_header(length: int, frame: FrameOptions) -> bytes:
    """A length header that says `length`, or the most that it can say."""
    if not length:
        return (b"0" if frame.form == "ascii" else b"\x00") * frame.size
    size = min(max(1, length - frame.own), frame.most)
    return wrap(bytes(size), replace(frame, max_bytes=frame.most), b"")[: frame.size]
