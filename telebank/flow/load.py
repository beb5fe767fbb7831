"""The way in for a node: a configuration folder that may take calls, or every reason why not."""

from pathlib import Path

from telebank.flow.check import check_release
from telebank.flow.model import FlowError
from telebank.flow.options import FlowOptions
from telebank.flow.release import Release, read_release

__all__ = ["FlowError", "Release", "load_release"]


def load_release(config: Path, options: FlowOptions | None = None) -> Release:
    """Read and check `config` (services.yaml, flows/, prompts/, hosts/).

    Raises `FlowError`, whose findings name file, line and mend, where anything is to be refused.
    """
    release = read_release(config)
    findings = check_release(release, options or FlowOptions())
    if findings:
        raise FlowError(findings)
    return release
