"""`telebank host` called in this process, and a demo bank for it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from support.corehost_process import CoreHostProcess
from telebank.commands.host import command
from telebank.settings import seed_dir

SHIPPED = seed_dir() / "hosts" / "tb87.yaml"


def run(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(command, list(words), input=stdin)


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CoreHostProcess]:
    with CoreHostProcess.start(tmp_path_factory.mktemp("host")) as one:
        yield one
