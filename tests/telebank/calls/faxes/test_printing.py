"""The node's side of printing: answers as values, limits, and no process left behind."""

import asyncio
from pathlib import Path

from fax.documents.jobs import Done, Failed
from fax.page.options import Continued
from support.fax_paper import images_of, numbered, paper, texts_of
from telebank.calls.faxes.printing import Printer, PrintingOptions


async def test_papers_are_printed_and_their_pages_drawn_again(tmp_path: Path) -> None:
    printer = Printer(PrintingOptions())
    pdf, tiff = tmp_path / "job" / "paper.pdf", tmp_path / "job" / "pages.tiff"
    assert await printer.print(numbered(60), pdf=pdf, tiff=tiff, resolution="fine") == Done(3)
    assert [page.height for page in images_of(tiff)] == [2291] * 3
    left = await printer.draw(pdf, tiff, "standard", Continued(2, "en"))
    assert (left, len(images_of(tiff))) == (Done(1), 1)
    back = tmp_path / "back.pdf"
    assert await printer.bind(tiff, back) == Done(1)
    assert len(texts_of(back.read_bytes())) == 1


async def test_trouble_is_a_value(tmp_path: Path) -> None:
    pdf = tmp_path / "paper.pdf"
    pdf.write_bytes(b"no pdf")
    answer = await Printer(PrintingOptions()).draw(pdf, tmp_path / "pages.tiff")
    assert isinstance(answer, Failed)
    assert "save it anew as PDF" in answer.why


async def test_what_takes_too_long_is_ended_and_leaves_nothing(tmp_path: Path) -> None:
    printer = Printer(PrintingOptions(limit_s=0.05))
    made = tmp_path / "job"
    answer = await printer.print(numbered(1500), pdf=made / "a.pdf", tiff=made / "a.tiff")
    assert answer == Failed("printing took longer than 0.05 s: send fewer pages at a time")
    assert not made.exists() or list(made.iterdir()) == []


async def test_a_pdf_has_its_own_time_to_be_drawn_and_continued(tmp_path: Path) -> None:
    pdf, tiff = tmp_path / "a.pdf", tmp_path / "a.tiff"
    await Printer(PrintingOptions()).print(numbered(60), pdf=pdf, tiff=tiff)
    hasty = Printer(PrintingOptions(limit_s=0.0))
    assert isinstance(await hasty.print(numbered(1), pdf=pdf, tiff=tiff), Failed)
    assert await hasty.draw(pdf, tiff, "fine", Continued(1, "zh")) == Done(2)
    slow = Printer(PrintingOptions(drawing_s=0.0))
    assert isinstance(await slow.draw(pdf, tiff), Failed)


async def test_more_than_can_wait_is_refused_and_the_rest_is_done(tmp_path: Path) -> None:
    printer = Printer(PrintingOptions(at_once=1, waiting=1))
    made = paper("fx_rates", "zh")
    answers = await asyncio.gather(
        *(
            printer.print(made, pdf=tmp_path / f"{index}.pdf", tiff=tmp_path / f"{index}.tiff")
            for index in range(3)
        )
    )
    assert answers[:2] == [Done(1), Done(1)]
    assert answers[2] == Failed("too much is being printed: try again in a minute")
    assert await printer.bind(tmp_path / "0.tiff", tmp_path / "back.pdf") == Done(1)


async def test_who_stops_waiting_stops_the_process(tmp_path: Path) -> None:
    printer = Printer(PrintingOptions(at_once=1))
    task = asyncio.create_task(
        printer.print(numbered(1500), pdf=tmp_path / "a.pdf", tiff=tmp_path / "a.tiff")
    )
    await asyncio.sleep(0)
    while not (children := _children()):
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert children.isdisjoint(_children())
    assert list(tmp_path.iterdir()) == []
    assert await printer.print(numbered(1), pdf=tmp_path / "b.pdf", tiff=tmp_path / "b.tiff")


def _children() -> set[str]:
    """Processes of ours that print."""
    found = set()
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            try:
                line = Path(f"/proc/{child}/cmdline").read_bytes()
            except OSError:
                continue
            if b"fax.documents" in line:
                found.add(child)
    return found
