"""Cut a reading into the fewest, strongest recorded units.

The text of a reading is made first, by rule; this decides only which clips say it. Atoms are
characters in Mandarin and words in English; a unit is a run of atoms.
"""

from collections.abc import Collection, Sequence

from voice_prompts.values import ReadingError

WEAK_COST = 1.3
"""Cost of a unit of a single atom, against 1.0: a lone syllable joins worse than a compound."""

LONGEST = 8
"""No unit is longer than this, in atoms."""


def segment(atoms: Sequence[str], glue: str, units: Collection[str]) -> tuple[str, ...]:
    """The cheapest way to join `units` into `atoms`; ReadingError names what has no unit.

    Among equally cheap ways the one with the longest last unit wins: endings are heard best.
    """
    best: list[tuple[float, tuple[str, ...]] | None] = [(0.0, ())]
    for end in range(1, len(atoms) + 1):
        found: tuple[float, tuple[str, ...]] | None = None
        for start in range(max(0, end - LONGEST), end):
            before = best[start]
            unit = glue.join(atoms[start:end])
            if before is None or unit not in units:
                continue
            cost = before[0] + (WEAK_COST if end - start == 1 else 1.0)
            if found is None or cost < found[0] - 1e-9:
                found = (cost, (*before[1], unit))
        best.append(found)
    answer = best[-1]
    if answer is None:
        raise ReadingError(f"no recorded units say {glue.join(atoms)!r}")
    return answer[1]
