"""`telebank knowledge`: tellers' articles, checked and searched without a node."""

import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from telebank.commands.common import DEFAULT_DATA, EXIT_FINDING, data_option, json_option
from telebank.commands.language import Language, language_option, of_locale, saying
from telebank.commands.listing import Column
from telebank.commands.listing import show as show_list
from telebank.commands.wiring.knowledge import findings, source_of
from telebank.knowledge.index import Shelf
from telebank.knowledge.load import KnowledgeError
from telebank.knowledge.marks import excerpt
from telebank.knowledge.model import Article, Book, blocks
from telebank.settings import Settings, SettingsError, load_settings

_ZH = {
    "id": "编号",
    "title": "标题",
    "business": "业务",
    "nothing fits": "没有符合的条目",
    "there is no article {id}; telebank knowledge search lists them": (
        "没有条目 {id}；telebank knowledge search 列出全部"
    ),
    "there is no business {name}; there is {known}": "没有业务 {name}；有 {known}",
    "updated {day}": "更新于 {day}",
    "forms: {names}": "可办业务：{names}",
}


def _complete_business(
    context: click.Context, _parameter: click.Parameter, begun: str
) -> list[CompletionItem]:
    book = _completed(context)
    shown = _shown_in(context)
    return [
        CompletionItem(kind.id, help=kind.names[shown])
        for kind in (book.business.values() if book else ())
        if kind.id.startswith(begun)
    ]


def _complete_article(
    context: click.Context, _parameter: click.Parameter, begun: str
) -> list[CompletionItem]:
    book = _completed(context)
    shown = _shown_in(context)
    return [
        CompletionItem(one.id, help=one.titles[shown])
        for one in (book.articles.values() if book else ())
        if one.id.startswith(begun)
    ]


def _completed(context: click.Context) -> Book | None:
    """What the shell offers from; None where it cannot be read."""
    try:
        return _read(Path(context.params.get("data") or DEFAULT_DATA))[0]
    except click.ClickException:
        return None


def _shown_in(context: click.Context) -> Language:
    said: Language | None = context.params.get("language")
    return said or of_locale(os.environ)


@click.group(name="knowledge", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Articles for tellers, searched by words and by business (docs/knowledge.md).

    \b
    Examples:
      telebank knowledge search PIN locked
      telebank knowledge search 限额 --business transfers
      telebank knowledge check
    """


@command.command()
@data_option
def check(data: Path) -> None:
    """Exit 0 when the articles can be used, 1 with file and line when not.

    \b
    Example:
      telebank knowledge check --data var
    """
    found = list(findings(data, _settings(data)))
    for one in found:
        click.echo(one, err=True)
    if found:
        raise SystemExit(EXIT_FINDING)
    book, _ = _read(data)
    click.echo(f"{len(book.articles)} articles of {len(book.business)} kinds of business are fine")


@command.command()
@click.argument("words", nargs=-1)
@click.option(
    "--business",
    default="",
    shell_complete=_complete_business,
    help="Of this kind only; a menu or a service is taken too.",
)
@language_option
@data_option
@json_option
def search(
    words: tuple[str, ...], business: str, language: Language, data: Path, as_json: bool
) -> None:
    """Find articles, the best first; without words all of a business, or all there are.

    \b
    Examples:
      telebank knowledge search 收不到验证码
      telebank knowledge search --business fx --language en
      telebank knowledge search fax --json
    """
    book, today = _read(data)
    say = saying(language, _ZH)
    query = " ".join(words)
    if business and not _known(book, business):
        text = say("there is no business {name}; there is {known}")
        raise click.UsageError(text.format(name=business, known=", ".join(book.business)))
    hits = Shelf(book).find(query, today, business)
    if as_json:
        rows = [
            _plain(hit.article)
            | {"score": round(hit.score, 3), "found": _where(hit.article, query)}
            for hit in hits
        ]
        click.echo(json.dumps({"articles": rows}, ensure_ascii=False, indent=2))
    elif not hits:
        click.echo(say("nothing fits"), err=True)
    else:
        columns = [Column(say("id")), Column(say("title"), True), Column(say("business"), True)]
        show_list(columns, [_row(book, hit.article, language) for hit in hits])
    if not hits:
        raise SystemExit(EXIT_FINDING)


@command.command()
@click.argument("id_", metavar="ID", shell_complete=_complete_article)
@language_option
@data_option
@json_option
def show(id_: str, language: Language, data: Path, as_json: bool) -> None:
    """Print one article.

    \b
    Example:
      telebank knowledge show pin-locked --language zh
    """
    book, _ = _read(data)
    say = saying(language, _ZH)
    article = book.articles.get(id_)
    if article is None:
        text = say("there is no article {id}; telebank knowledge search lists them")
        raise click.UsageError(text.format(id=id_))
    if as_json:
        click.echo(json.dumps(_plain(article), ensure_ascii=False, indent=2))
        return
    click.secho(article.titles[language], bold=True)
    click.echo(f"{article.questions[language]}\n")
    for block in blocks(article.answers[language]):
        for at, line in enumerate(block.lines, 1):
            click.echo({"text": "", "list": "- ", "steps": f"{at}. "}[block.kind] + line)
        click.echo()
    if article.services:
        click.echo(say("forms: {names}").format(names=", ".join(article.services)))
    click.echo(say("updated {day}").format(day=article.updated.isoformat()))


def _settings(data: Path) -> Settings:
    try:
        return load_settings(data)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error


def _read(data: Path) -> tuple[Book, date]:
    """The articles, and today on the bank's clock."""
    settings = _settings(data)
    try:
        book = source_of(data, settings).load()
    except KnowledgeError as error:
        raise click.UsageError(str(error)) from error
    offset = timedelta(minutes=settings.node.utc_offset_minutes)
    return book, (datetime.now(UTC) + offset).date()


def _known(book: Book, business: str) -> bool:
    services = {name for one in book.articles.values() for name in one.services}
    return business in {*book.business, *services} or bool(book.kind_of(business))


def _row(book: Book, article: Article, language: Language) -> list[str]:
    kinds = [book.business[kind].names[language] for kind in article.business]
    return [article.id, article.titles[language], ", ".join(kinds)]


def _where(article: Article, query: str) -> dict[str, str]:
    """The answer's words about what was asked for, in the languages that have it."""
    found = {one: excerpt(text, query) for one, text in article.answers.items()}
    return {one: text for one, text in found.items() if text}


def _plain(article: Article) -> dict[str, Any]:
    days = {"from": article.valid_from, "until": article.valid_until}
    return {
        "id": article.id,
        "business": article.business,
        "services": article.services,
        "subjects": dict(article.subjects),
        "title": dict(article.titles),
        "question": dict(article.questions),
        "answer": dict(article.answers),
        "updated": article.updated.isoformat(),
        "valid": {key: day.isoformat() for key, day in days.items() if day},
    }
