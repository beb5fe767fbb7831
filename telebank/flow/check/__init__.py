"""The checker of `ivr-flow/1`: each refusal is one small function with a rule id."""

from telebank.flow.model import Finding
from telebank.flow.options import FlowOptions
from telebank.flow.release import Release


def check_release(release: Release, options: FlowOptions) -> list[Finding]:
    """Everything that must be mended before the release can take calls."""
    return []
