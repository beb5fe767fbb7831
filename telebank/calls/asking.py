"""The services that one call asks of the processor."""

from dataclasses import dataclass, replace
from typing import Protocol

from telebank.calls.edition import Edition
from telebank.calls.services import CallServices
from telebank.flow.commands import Submit
from telebank.flow.session import Session
from transactions.answer import Answer
from transactions.hot_list import TELLER as CHANNEL
from transactions.request import Request


class Noting(Protocol):
    """`telebank.calls.notes.Notes`, or those of a call of ours."""

    def add(self, kind: str, **detail: str | int | float | bool | None) -> None:
        """Write a line in the event log."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """As a caller of these menus asks for them; each question and its answer is noted."""

    call: str
    session: Session
    edition: Edition
    shell: CallServices
    notes: Noting

    def request_id(self, visit: str) -> str:
        """Unique in all calls, as `visit` is in this one."""
        return f"{self.call}-{visit}"

    async def ask(self, command: Submit) -> Answer:
        """Put it to the processor and wait; what was asked is the processor's work from then on."""
        return await self._submit(self._request(command))

    async def ask_for(self, teller: str, command: Submit) -> Answer:
        """The same, done by a teller for this caller: his is the channel, and he is who acts."""
        request = replace(self._request(command), channel=CHANNEL, actor=teller)
        return await self._submit(request)

    async def _submit(self, request: Request) -> Answer:
        asked_at = self.shell.endpoint.now()
        self.notes.add("service.asked", service=request.service, request=request.id)
        answer = await self.shell.processor.submit(request)
        self.notes.add(
            "service.answered",
            service=request.service,
            exit=answer.exit,
            ms=round((self.shell.endpoint.now() - asked_at) * 1000),
            request=request.id,
        )
        return answer

    def _request(self, command: Submit) -> Request:
        shell = self.shell
        card = command.authenticated
        customer = shell.vault.token(card) if card is not None else None
        return Request(
            id=self.request_id(command.visit),
            service=command.service,
            contract_version=self.edition.contracts[command.service].version,
            inputs=command.inputs,
            actor=customer or "caller",
            call=self.call,
            language=self.session.language,
            auth=command.auth,
            authenticated_token=customer,
            node=shell.node_id,
            release=self.edition.hash,
        )
