"""The rule of two people: what makes the second word an approval."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from transactions.approval import Actor, Approving, Detail, Proposal, Refusal, content_hash, refusal

AT = datetime(2026, 3, 31, 4, 0, tzinfo=UTC)
HASH = content_hash("request.resolve", "010000000042", {"result": "posted"})
PROPOSAL = Proposal(
    id="p1",
    act="request.resolve",
    object="010000000042",
    detail={"result": "posted"},
    content_hash=HASH,
    note="",
    state="pending",
    proposed_by="li",
    proposed_at=AT,
    expires_at=AT + timedelta(hours=24),
)
SECOND = Approving(PROPOSAL.act, PROPOSAL.object, HASH, Actor("wu", "supervisor", "control"))


def test_another_person_with_the_same_words_in_time() -> None:
    assert refusal(PROPOSAL, SECOND, AT) is None
    assert refusal(PROPOSAL, SECOND, PROPOSAL.expires_at - timedelta(microseconds=1)) is None


@pytest.mark.parametrize(
    ("proposal", "approving", "at", "why"),
    [
        (None, SECOND, AT, "no_proposal"),
        (replace(PROPOSAL, state="refused"), SECOND, AT, "no_proposal"),
        (PROPOSAL, SECOND, PROPOSAL.expires_at, "expired"),
        (PROPOSAL, replace(SECOND, by=Actor("li", "supervisor", "")), AT, "same_person"),
        (PROPOSAL, replace(SECOND, content_hash="other"), AT, "different_content"),
    ],
)
def test_what_is_no_approval(
    proposal: Proposal | None, approving: Approving, at: datetime, why: Refusal
) -> None:
    assert refusal(proposal, approving, at) == why


def test_the_content_is_act_object_and_detail_in_any_order() -> None:
    assert content_hash("a", "b", {"x": 1, "y": "2"}) == content_hash("a", "b", {"y": "2", "x": 1})
    others: list[tuple[str, str, Detail]] = [
        ("a", "b", {"x": 1}),
        ("a", "c", {}),
        ("ab", "", {}),
        ("a", "b", {"x": "1"}),
    ]
    hashes = {content_hash(act, of, detail) for act, of, detail in others}
    assert len(hashes) == len(others)
