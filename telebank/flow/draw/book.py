"""All pages of a release: a title and a number for each flow, in the order callers come to them."""

from collections.abc import Mapping
from dataclasses import dataclass

from telebank.flow.draw.layout import Drawing, page_of
from telebank.flow.draw.scene import Measure, Page
from telebank.flow.draw.words import Wording
from telebank.flow.keymap import places
from telebank.flow.release import Release
from telebank.flow.titles import titles


@dataclass(frozen=True, slots=True)
class Book:
    """Pages in order; `numbers` by flow. The index comes before page 1."""

    release: Release
    word: Wording
    pages: tuple[Page, ...]

    @property
    def numbers(self) -> Mapping[str, int]:
        """Page by flow, of the pages that are in this book."""
        return {page.flow: page.number for page in self.pages}


def book_of(release: Release, word: Wording, measure: Measure, only: tuple[str, ...] = ()) -> Book:
    """The pages of `only`, or of all flows; raises `KeyError` for a flow that is not there."""
    keys = _first_keys(release)
    missing = [name for name in only if name not in release.flows]
    if missing:
        raise KeyError(missing[0])
    drawing = Drawing(release, word, measure, titles(release, word.language, word.service))
    order = [name for name in keys if not only or name in only]
    order += [name for name in release.flows if name not in keys and (not only or name in only)]
    pages = []
    for number, name in enumerate(order, 1):
        page = page_of(drawing, release.flows[name], keys.get(name, ""))
        page.number = number
        pages.append(page)
    return Book(release, word, tuple(pages))


def _first_keys(release: Release) -> dict[str, str]:
    """The keys by which a caller first comes into each flow, in the order of the fewest."""
    found: dict[str, str] = {}
    for place, _ in places(release):
        found.setdefault(place.frames[-1].flow, " ".join(place.keys))
    return found
