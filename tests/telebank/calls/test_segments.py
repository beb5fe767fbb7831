"""Clips and pauses of what a call says: rows of a list follow each other with a pause."""

from pathlib import Path
from typing import cast

from support.flow_bank import LISTS
from telebank.calls.edition import ROW_GAP, Edition
from telebank.flow.commands import Say, Spoken
from telebank.flow.load import Release
from transactions.money import Money
from voice_prompts.bank import BankIndex
from voice_prompts.catalogue import Catalogue
from voice_prompts.slow import pause
from voice_prompts.speaker import Speaker, needed

TEXTS: Path = LISTS / "prompts"


def segments(*, more: bool) -> list[tuple[int, int]]:
    catalogue = Catalogue.load(TEXTS)
    index = BankIndex({key: (n * 1000, 800) for n, key in enumerate(needed(catalogue))}, {})
    release = cast(Release, None)  # the words alone are spoken here
    row = Spoken("list.last_row", {"what": "fee", "amount": Money.parse("-1.00")})
    edition = Edition(release, Speaker(catalogue, index))
    return list(edition.segments(Say((row,), "", 1, "en", more)))


def test_a_row_ends_with_a_pause_where_more_follows() -> None:
    alone, followed = segments(more=False), segments(more=True)
    assert alone[-1][0] >= 0
    assert followed == [*alone, (-1, ROW_GAP)]


def test_pauses_of_slow_speech_are_longer() -> None:
    row = Spoken("list.last_row", {"what": "fee", "amount": Money.parse("-1.00")})
    catalogue = Catalogue.load(TEXTS)
    index = BankIndex({key: (n * 1000, 800) for n, key in enumerate(needed(catalogue))}, {})
    edition = Edition(cast(Release, None), Speaker(catalogue, index))
    usual, slowly = (
        [samples for start, samples in edition.segments(say) if start < 0]
        for say in (Say((row, row), "", 1, "en", True, slow=slow) for slow in (False, True))
    )
    assert slowly == [pause(samples) for samples in usual]
