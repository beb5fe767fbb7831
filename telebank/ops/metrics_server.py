"""`/metrics`, `/livez`, `/readyz` and `/alarms` on a port of their own, of the last look."""

import json
from collections.abc import Callable
from http import HTTPStatus

import msgspec
from aiohttp import web

from telebank.ops import health, metrics
from telebank.ops.metrics_types import Snapshot

MAX_BODY = 1_024


class MetricsServer:
    """Serves what `seen` gives."""

    def __init__(self, listen: str, seen: Callable[[], Snapshot]) -> None:
        self._listen = listen
        self._seen = seen
        app = web.Application(client_max_size=MAX_BODY)
        app.add_routes(
            [
                web.get("/metrics", self._metrics),
                web.get("/livez", self._live),
                web.get("/readyz", self._ready),
                web.get("/alarms", self._alarms),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)
        self.listens = ""
        """address:port, once it does."""

    async def start(self) -> None:
        """Bind; raises `OSError`."""
        host, _, port = self._listen.rpartition(":")
        await self._runner.setup()
        await web.TCPSite(self._runner, host.strip("[]"), int(port)).start()
        at = self._runner.addresses[0]
        self.listens = f"[{at[0]}]:{at[1]}" if ":" in at[0] else f"{at[0]}:{at[1]}"

    async def close(self) -> None:
        """No more."""
        await self._runner.cleanup()

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=metrics.text(self._seen()), headers={"Content-Type": metrics.CONTENT}
        )

    async def _live(self, _request: web.Request) -> web.Response:
        """The node answers, or has only just missed: whoever restarts what is dead asks this, and
        a busy node has live calls."""
        seen = self._seen()
        why = health.OK if seen.node is not None else seen.node_why
        return _json(seen.live, {"live": seen.live, "node": why})

    async def _ready(self, _request: web.Request) -> web.Response:
        """Calls are welcome: whoever spreads them asks this."""
        found = health.judge(self._seen())
        return _json(found.ready, {"ready": found.ready, "checks": dict(found.checks)})

    async def _alarms(self, _request: web.Request) -> web.Response:
        """Every alarm as it stands, for `telebank alarms`."""
        body = msgspec.json.encode({"alarms": self._seen().alarms})
        return web.Response(body=body, content_type="application/json")


def _json(well: bool, told: dict[str, object]) -> web.Response:
    status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
    text = json.dumps(told, ensure_ascii=False) + "\n"
    return web.Response(status=status, text=text, content_type="application/json")
