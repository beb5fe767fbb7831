"""The shipped configuration of Kamailio in front of several nodes, run as a bank would.

Its address is its own; its log says which call went where and which node it takes for well.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.interop_programs import Program, free_place, needed, program

CONFIG = Path(__file__).parents[2] / "config" / "kamailio" / "kamailio.cfg"
HOST = "127.0.0.2"
"""Where it is; callers and nodes are on 127.0.0.1."""
MAX_LOAD = 100


@dataclass(frozen=True, slots=True)
class Front:
    """A running one."""

    program: Program
    uri: str
    """What a phone dials."""
    nodes: Mapping[str, str]
    """Name to `address:port`."""

    def until_up(self, name: str, times: int = 1) -> None:
        """Wait until it has taken a node for well so often."""
        self.program.until_said(f"up: sip:{self.nodes[name]}", times=times)

    def until_down(self, name: str, times: int = 1) -> None:
        """Wait until it has taken a node out so often."""
        self.program.until_said(f"down: sip:{self.nodes[name]}", times=times)


@contextmanager
def kamailio_front(folder: Path, nodes: Mapping[str, str]) -> Iterator[Front]:
    """Run it before nodes; callers of 127.0.0.1 are its one carrier. Returns when all are well."""
    binary = needed("kamailio", "kamailio")
    host, port = free_place(HOST)
    folder.mkdir(parents=True)
    lines = [f"1 sip:{at} 9 0 duid={name};maxload={MAX_LOAD}" for name, at in nodes.items()]
    file = folder / "dispatcher.list"
    file.write_text("\n".join([*lines, "2 sip:127.0.0.1:9 9 10", ""]), encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="kamailio") as run:
        words = [binary, "-DD", "-E", "-f", str(CONFIG), "-m", "32", "-M", "4", "-n", "2"]
        words += ["-A", f"PLACE={host}:{port}", "-A", f'NODES="{file}"']
        words += ["-Y", run, "-P", f"{run}/pid"]
        with program(words, folder / "kamailio.log") as running:
            front = Front(running, f"sip:bank@{host}:{port}", dict(nodes))
            for name in nodes:
                front.until_up(name)
            yield front
