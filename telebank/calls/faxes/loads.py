"""What the call of a fax carries, by the settings of now: where to, and the pages not confirmed."""

from pathlib import Path

from fax.documents.jobs import Failed
from fax.page.options import Continued
from telebank.calls.faxes.outgoing import Load
from telebank.calls.faxes.parts import ROLE, QueueParts
from telebank.calls.faxes.tolls import Refusal, judge
from telebank.store.fax_jobs import NotMade, Taken
from telebank.store.fax_rows import Fax
from transactions.card import CardNumberError


async def load_of(parts: QueueParts, taken: Taken) -> Load | NotMade:
    """What the call of a fax that was taken carries; else why there is no call."""
    fax = taken.fax
    try:
        number = parts.vault.unseal_digits(fax.number)
    except CardNumberError:
        return NotMade("number_unreadable")
    target = judge(parts.outbound, number, staff=fax.role != ROLE)
    if isinstance(target, Refusal):
        return NotMade(target.rule)
    tiff = await _pages(parts, fax)
    if isinstance(tiff, Failed):
        return NotMade(f"not printed: {tiff.why}", again=True)
    return Load(target, tiff, fax.life.pages - fax.life.confirmed, taken.seconds)


async def _pages(parts: QueueParts, fax: Fax) -> Path | Failed:
    """The pages that were not confirmed yet, which say so where others were."""
    files, first = parts.files, fax.life.confirmed
    tiff = files.pages(fax.folder, first)
    if first == 0 or tiff.exists():
        return tiff if tiff.exists() else Failed(f"{tiff.name} is gone")
    continued = Continued(first, "en" if fax.language == "en" else "zh")
    answer = await parts.printer.draw(
        files.paper(fax.folder), tiff, parts.fax.resolution, continued
    )
    return answer if isinstance(answer, Failed) else tiff
