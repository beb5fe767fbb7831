"""`GET /v1/desk/titles`: what flows, queues, skills and reasons of a break are called, in both
languages, for screens that show them. Codes are for programs; nobody at a desk reads one."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from aiohttp import web

from telebank.agents.options import CentreOptions
from telebank.calls.control.acts import Acts
from telebank.calls.control.common import Reply
from telebank.calls.control.desk import Counter
from telebank.calls.flow_titles import flow_titles
from telebank.flow.release import Release
from telebank.staff.roles import SIT, WATCH, Role, may

Titles = Mapping[str, tuple[str, str]]
SPEAKERS: Titles = MappingProxyType(
    {"lang.zh": ("中文", "Chinese-speaking"), "lang.en": ("英语", "English-speaking")}
)


class TitlesPart:
    """A `ControlPart`; `release` is that of new calls."""

    def __init__(
        self, counter: Counter, release: Callable[[], Release], centre: CentreOptions
    ) -> None:
        self._counter = counter
        self._acts = Acts(counter.desk)
        self._release = release
        self._queues: Titles = {queue.name: (queue.zh, queue.en) for queue in centre.queues}
        self._skills = skill_titles(centre)
        words = centre.break_words.items()
        self._breaks: Titles = {name: (said["zh"], said["en"]) for name, said in words}
        self._kept: tuple[str, Titles] = ("", {})
        """Hash of a release, and its titles."""

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart`."""
        return [web.get("/v1/desk/titles", self._titles)]

    async def _titles(self, request: web.Request) -> web.Response:
        by = await self._counter.actor(request)
        if not (may(Role(by.role), SIT) or may(Role(by.role), WATCH)):
            return (await self._acts.denied(by, SIT, request.path)).response()
        kept = {"queues": self._queues, "skills": self._skills, "breaks": self._breaks}
        return Reply(200, {"business": self._flows(), **kept}).response()

    def _flows(self) -> Titles:
        release = self._release()
        if self._kept[0] != release.hash:
            self._kept = release.hash, flow_titles(release)
        return self._kept[1]


def skill_titles(centre: CentreOptions) -> Titles:
    """What groups are called, each being who has one skill: as the queue of its name, else the one
    that needs it, else the first that asks for it alone, or at all."""
    found = dict(SPEAKERS)
    told = {queue.name: (queue.zh, queue.en) for queue in centre.queues}
    alone = [queue for queue in centre.queues if len(queue.skills) == 1]
    for queue in centre.queues:
        for skill in (*queue.needs, *queue.skills):
            first = next((one.name for one in alone if skill in one.skills), queue.name)
            name = skill if skill in told else queue.name if skill in queue.needs else first
            found.setdefault(skill, told[name])
    return found
