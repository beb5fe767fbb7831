"""`telebank flow draw`: pictures of the menu trees for people who read no YAML."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from telebank.flow.draw.book import Book
    from telebank.flow.draw.words import Wording
    from transactions.request import Language

PDF = "menus.pdf"


def _flow_names(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of the flows for the shell: of their files, which need not be right."""
    from telebank.settings import seed_dir

    folder = Path(str(ctx.params.get("config") or seed_dir())) / "flows"
    named = set(ctx.params.get("flows") or ())
    names = sorted(path.stem for path in folder.glob("*.yaml"))
    return [
        CompletionItem(name) for name in names if name.startswith(incomplete) and name not in named
    ]


@click.command(name="draw")
@click.argument("flows", nargs=-1, shell_complete=_flow_names)
@click.option(
    "-o",
    "--out",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for the pictures; made where it is not there.",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["svg", "pdf"]),
    default="pdf",
    show_default=True,
    help="svg: a file for each sub-flow, and index.svg; pdf: one file, menus.pdf.",
)
@click.option(
    "--language",
    type=click.Choice(["zh", "en"]),
    default="zh",
    show_default=True,
    help="Of all words.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    envvar="TELEBANK_CONFIG",
    help="Folder with services.yaml, flows/ and prompts/; the shipped one if not given.",
)
def command(
    flows: tuple[str, ...], folder: Path, kind: str, language: str, config: Path | None
) -> None:
    """Draw the menu trees, one page for each sub-flow, or for each of FLOWS.

    Prompts are in words, services by their names, keys on the arrows; what moves money is red.

    \b
    Examples:
      telebank flow draw -o menus
      telebank flow draw main transfer --format svg --language en -o menus
    """
    from telebank.reports.flow_pages import page_count, write_pages

    book = _book(flows, language, config)
    folder.mkdir(parents=True, exist_ok=True)
    writing = write_pages(folder / PDF, book) if kind == "pdf" else _svg(book, folder)
    menus = len(book.pages)
    pages = page_count(book) if kind == "pdf" else menus + 1  # the index is a page too
    with click.progressbar(writing, length=menus, label=f"{menus} menus, {pages} pages") as bar:
        for _ in bar:
            pass
    click.echo(str(folder / (PDF if kind == "pdf" else "index.svg")))


def _book(flows: tuple[str, ...], language: str, config: Path | None) -> "Book":
    from telebank.flow.draw.book import book_of
    from telebank.flow.load import load_release
    from telebank.flow.model import FlowError
    from telebank.reports.flow_pages import measure
    from telebank.settings import seed_dir

    try:
        release = load_release(config if config is not None else seed_dir())
    except FlowError as error:
        raise click.ClickException("the release is refused; see `telebank flow check`") from error
    try:
        return book_of(release, _wording(language), measure(), flows)
    except KeyError as error:
        known = ", ".join(sorted(release.flows))
        raise click.UsageError(f"no flow {error.args[0]!r}; there are {known}") from error


def _wording(language: str) -> "Wording":
    from telebank.console.texts import WORDS
    from telebank.flow.draw.words import Wording

    spoken: Language = "zh" if language == "zh" else "en"
    return Wording(spoken, WORDS[spoken].services, WORDS[spoken].exits)


def _svg(book: "Book", folder: Path) -> Iterator[str]:
    from fax.documents.fonts import FILE
    from telebank.flow.draw.svg import FONT_FILE, INDEX, file_of, index_svg, page_svg

    shutil.copyfile(FILE, folder / FONT_FILE)
    (folder / file_of(INDEX)).write_text(index_svg(book), encoding="utf-8")
    for page in book.pages:
        (folder / file_of(page.flow)).write_text(page_svg(book, page), encoding="utf-8")
        yield page.flow
