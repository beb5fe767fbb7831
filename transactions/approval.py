"""Two people for one act: the first proposes, the second says the same content.

Who may do which of the two is not known here; that neither can do both is. Values and one rule,
without a clock: the store applies the rule in the commit that carries the act out.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Refusal = Literal["no_proposal", "expired", "same_person", "different_content", "gone"]
"""Why an approval is none. `gone`: who acts has left or has another role by now."""
Detail = Mapping[str, str | int | bool | None]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, in what role, from where: in every event about it."""

    id: str
    role: str
    origin: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """One person's proposal, as it stands."""

    id: str
    act: str
    object: str
    detail: Detail
    content_hash: str
    note: str
    state: str
    """pending, approved, refused, withdrawn or expired."""
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Approving:
    """What the second person says."""

    act: str
    object: str
    content_hash: str
    by: Actor
    note: str = ""


def content_hash(act: str, of: str, detail: Detail) -> str:
    """SHA-256 of act, object and detail: what both people must have said alike."""
    text = json.dumps([act, of, dict(detail)], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def refusal(proposal: Proposal | None, approving: Approving, now: datetime) -> Refusal | None:
    """Why this is no approval of that proposal; None where it is."""
    if proposal is None or proposal.state != "pending":
        return "no_proposal"
    if now >= proposal.expires_at:
        return "expired"
    if proposal.proposed_by == approving.by.id:
        return "same_person"
    return None if proposal.content_hash == approving.content_hash else "different_content"
