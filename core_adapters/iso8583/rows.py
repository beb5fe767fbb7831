"""Rows and MTIs of messages: what the journal is told of each before it goes."""

from datetime import UTC, datetime

from core_adapters.iso8583.build import Stamp
from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.profile import ServiceMap
from transactions.request import HostMessage, MessageRole, Request

AMOUNT, PROCESSING_CODE = 4, 3


def first_mti(service: ServiceMap, request: Request, now: datetime) -> str:
    """The request's MTI, or the advice's where it was stored for a while."""
    advice, created = service.advice, request.created_at
    if advice is None or created is None:
        return service.mti
    created = created if created.tzinfo else created.replace(tzinfo=UTC)
    return advice.mti if (now - created).total_seconds() > advice.after_s else service.mti


def repeat_mti(service: ServiceMap, repeat_of: HostMessage) -> str:
    """The repeat's MTI: of the request, or of the advice where that went."""
    advice = service.advice
    if advice is not None and repeat_of.mti in (advice.mti, advice.repeat_mti):
        return advice.repeat_mti
    if not service.repeat_mti:
        raise ValueError(f"{service.name} is never repeated; its recovery is not `repeat`")
    return service.repeat_mti


def message_row(
    request: Request, role: MessageRole, attempt: int, message: Message, stamp: Stamp
) -> HostMessage:
    """The journal's row of a message that is about to go; its link is not known yet."""
    return HostMessage(
        request_id=request.id,
        role=role,
        attempt=attempt,
        mti=message.mti,
        stan=stamp.stan,
        field7=stamp.field7,
        field32=stamp.acquirer,
        field41=stamp.terminal,
        field37=stamp.reference,
        link="",
        sent_at=stamp.at,
        processing_code=message.get(PROCESSING_CODE) or "",
        amount=message.get(AMOUNT) or "",
    )
