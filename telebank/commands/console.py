"""`telebank console`: serves the web page with gunicorn, apart from the node."""

import json
import os
from collections.abc import Sequence
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication

from telebank.commands.common import Unreachable, data_option
from telebank.commands.wiring.knowledge import source_of
from telebank.console.app import create_app
from telebank.console.desk.streams import STREAMS
from telebank.console.options import ConsoleOptions
from telebank.console.parts import ConsoleParts
from telebank.console.serving import GatheringWorker
from telebank.ops.ports import holder_of
from telebank.settings import Settings, SettingsError, load_settings, seed_dir, store_url
from telebank.store.errors import KeyFileError
from telebank.store.review.rules import FILE, Rule, RulesError, load_rules

MAX_REQUEST_LINE = 4_096
"""Longest request line, in bytes."""


@click.command(name="console")
@data_option
@click.option("--web", help="Serve HTTP here, address:port (port 0: any).")
def command(data: Path, web: str | None) -> None:
    """Serve the page of calls, faxes for staff who log in, and /livez.

    It reads the store and changes nothing there; what people do, it asks of the node beside it.

    \b
    Example:
      telebank console --data var --web 127.0.0.1:8080
    """
    try:
        settings = load_settings(data, {"console": {"listen": web}} if web else None)
        url = store_url(data, settings)
    except (SettingsError, KeyFileError) as error:
        raise click.UsageError(str(error)) from error
    options = settings.console
    port = int(options.listen.rpartition(":")[2])
    holder = holder_of(port, "tcp") if port else None
    if holder is not None:
        raise Unreachable(f"TCP port {port} is taken by {holder}; choose another with --web")
    try:
        app = create_app(_parts(data, settings, url))
    except FileNotFoundError as error:
        raise Unreachable(f"{error}; start the node first: telebank run") from error
    _Server(app, options, data / "run" / "console.json").run()


def _parts(data: Path, settings: Settings, url: str) -> ConsoleParts:
    node = settings.node
    return ConsoleParts(
        store_url=url,
        options=settings.console,
        data=data,
        socket=data / node.control,
        zone=timezone(timedelta(minutes=node.utc_offset_minutes)),
        resolution=settings.fax.resolution,
        knowledge=source_of(data, settings),
        unusual=_rules(data),
    )


def _rules(data: Path) -> Sequence[Rule]:
    """The bank's own, or those shipped."""
    own = data / "config" / FILE
    try:
        return load_rules(own if own.exists() else seed_dir() / FILE)
    except (RulesError, OSError) as error:
        raise click.UsageError(f"{error}") from error


class _Server(BaseApplication):  # type: ignore[misc]
    """gunicorn with one threaded worker; says where it listens when it does."""

    def __init__(self, app: Flask, options: ConsoleOptions, ready: Path) -> None:
        self._app = app
        self._options = options
        self._ready = ready
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults."""
        chosen: dict[str, Any] = {
            "bind": self._options.listen,
            "worker_class": GatheringWorker,
            "keepalive": 0,
            "workers": 1,
            "threads": self._options.threads,
            "limit_request_line": MAX_REQUEST_LINE,
            "when_ready": self._say_ready,
            "graceful_timeout": 5,
            "control_socket_disable": True,
        }
        for name, value in chosen.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application."""
        return self._app

    def leaving(self) -> None:
        """The worker was told to stop."""
        streams = self._app.extensions.get(STREAMS)
        if streams is not None:
            streams.close()

    def _say_ready(self, server: Any) -> None:
        host, port = server.LISTENERS[0].sock.getsockname()[:2]
        self._ready.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._ready.with_suffix(".new")
        temporary.write_text(json.dumps({"listen": f"{host}:{port}", "pid": os.getpid()}))
        temporary.replace(self._ready)
