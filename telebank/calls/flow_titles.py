"""What the flows of a release are called where people talk with a caller, in both languages."""

from collections.abc import Mapping

from telebank.calls.forms.labels import title_of
from telebank.flow.release import Release
from telebank.flow.titles import titles


def flow_titles(release: Release) -> Mapping[str, tuple[str, str]]:
    """Chinese and English by flow; some milliseconds, so once for many. A service is called as its
    form is."""
    zh = titles(release, "zh", lambda service: title_of(service).zh)
    en = titles(release, "en", lambda service: title_of(service).en)
    return {name: (_plain(zh[name]), _plain(en[name])) for name in release.flows}


def _plain(name: str) -> str:
    """As of another's things: the menus say to the customer what is his."""
    words = name.removeprefix("Your ").replace("_", " ")
    return words[:1].upper() + words[1:]
