"""What one call writes in the event log."""

from dataclasses import dataclass

from telebank.calls.masking import plain, shown_caller
from telebank.calls.services import CallServices
from telebank.sip import CallOffered
from telebank.sip.uri import host_port
from transactions.journal import JournalEvent


@dataclass(frozen=True, slots=True)
class Notes:
    """Of one call and its leg of that role."""

    call: str
    role: str
    offered: CallOffered
    shell: CallServices

    def started(self, codec: str, release: str) -> None:
        """The call was answered, or refused: who called, masked."""
        self.add(
            "call.started",
            from_masked=shown_caller(self.offered),
            diverted=self.offered.diverted,
            trunk=self.offered.trunk,
            to=plain(self.offered.to_uri),
            codec=codec,
            release=release,
        )

    def add(self, kind: str, **detail: str | int | float | bool | None) -> None:
        """What happened; `request`, where there is one, is the id of what was asked."""
        request = detail.pop("request", None)
        self.shell.recorder.append(
            JournalEvent(
                kind,
                call=self.call,
                leg=self.role,
                request=str(request) if request is not None else None,
                actor="caller",
                role="caller",
                origin=host_port(self.offered.source),
                outcome=str(detail.get("exit", "")),
                detail=detail,
            )
        )
