"""`telebank alarms`: the alarms of config/alarms.yaml as the watcher has them."""

import json
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click

from telebank.commands.common import EXIT_FINDING, Unreachable, data_option, json_option
from telebank.commands.language import Language, language_option, saying
from telebank.commands.listing import Column
from telebank.commands.listing import show as show_list

ASK_S = 10.0
MAX_ANSWER = 1_000_000
ZH: Mapping[str, str] = MappingProxyType(
    {
        "alarm": "告警",
        "state": "状态",
        "for": "持续",
        "severity": "级别",
        "value": "当前值",
        "threshold": "门限",
        "words": "说明",
        "raised": "告警中",
        "pending": "待定",
        "clear": "正常",
        "critical": "紧急",
        "major": "重要",
        "warning": "警告",
        "information": "提示",
        "no alarm is raised": "没有告警",
    }
)


@click.command(name="alarms")
@click.option("--all", "everything", is_flag=True, help="Those that are clear too.")
@language_option
@data_option
@json_option
def command(*, everything: bool, language: Language, data: Path, as_json: bool) -> None:
    """List the alarms that are raised or about to be, as `telebank watch` has them.

    Exit 1 where one is raised, 3 where no watcher answers. What was raised and when it was over:
    telebank events --kind alarm.

    \b
    Examples:
      telebank alarms
      telebank alarms --all --language zh
      telebank alarms --json | jq '.alarms[] | select(.raised) | .name'
    """
    found = _ask(data)
    if as_json:
        click.echo(json.dumps({"alarms": found}, ensure_ascii=False))
    else:
        _table([one for one in found if everything or _state(one) != "clear"], language)
    if any(one["raised"] for one in found):
        raise click.exceptions.Exit(EXIT_FINDING)


def _table(shown: list[dict[str, Any]], language: Language) -> None:
    say = saying(language, ZH)
    if not shown:
        click.echo(say("no alarm is raised"))
        return
    names = ("alarm", "state", "for", "severity", "value", "threshold", "words")
    columns = [Column(say(name), gives=name == "words") for name in names]
    rows = [
        [
            one["name"],
            say(_state(one)),
            str(timedelta(seconds=round(one["since_s"]))),
            say(one["severity"]),
            "-" if one["value"] is None else f"{one['value']:.6g}",
            f"{one['threshold']:g}",
            one[language],
        ]
        for one in shown
    ]
    show_list(columns, rows)


def _state(one: Mapping[str, Any]) -> str:
    return "raised" if one["raised"] else "pending" if one["pending"] else "clear"


def _ask(data: Path) -> list[dict[str, Any]]:
    """Of the watcher that says where it listens."""
    away = f"no watcher answers for {data}: telebank watch --data {data}"
    try:
        listens = json.loads((data / "run" / "watch.json").read_text())["listen"]
        connection = HTTPConnection(listens, timeout=ASK_S)
        try:
            connection.request("GET", "/alarms")
            answer = connection.getresponse()
            told = json.loads(answer.read(MAX_ANSWER))
        finally:
            connection.close()
    except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
        raise Unreachable(away) from error
    if answer.status != HTTPStatus.OK:
        raise Unreachable(away)
    return list(told["alarms"])
