"""A release: flows, texts, services, host profiles, documents, hours and recordings together,
known by the hash of their content."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from telebank.flow.documents import Documents, load_documents
from telebank.flow.model import Finding, Flow, FlowError
from telebank.flow.options import LANGUAGES, MAX_FLOWS
from telebank.flow.parse import load_flow
from telebank.flow.texts import Text, Texts, load_texts
from transactions.contract import ContractError, Contracts, load_contracts

HASHED = (
    *("services.yaml", "flows/*.yaml", "prompts/*.yaml", "hosts/*.yaml", "hours.yaml"),
    *("documents.yaml", "recordings/*/*.flac", "recordings/*/*.wav"),
)
"""What belongs to a release, relative to the configuration folder."""


@dataclass(frozen=True, slots=True)
class Release:
    """Frozen; a call keeps the one it started with. `hash` is SHA-256 in hexadecimal."""

    hash: str
    flows: Mapping[str, Flow]
    texts: Texts
    contracts: Contracts
    documents: Documents = field(default_factory=lambda: MappingProxyType({}))


def read_release(config: Path) -> Release:
    """Read a configuration folder; raises `FlowError` where a file cannot be read.

    The menu trees are not yet checked: see `telebank.flow.check`.
    """
    findings: list[Finding] = []
    flows = _flows(config, findings)
    texts: dict[str, Mapping[str, Text]] = {
        language: _texts(config, language, findings) for language in LANGUAGES
    }
    services = _services(config, findings)
    documents = load_documents(config, findings)
    if findings or services is None:
        raise FlowError(findings)
    known = hash_of(release_files(config))
    return Release(known, flows, MappingProxyType(texts), services, documents)


def _flows(config: Path, findings: list[Finding]) -> Mapping[str, Flow]:
    paths = sorted((config / "flows").glob("*.yaml"))
    if not 0 < len(paths) <= MAX_FLOWS:
        mend = f"put 1 to {MAX_FLOWS} flow files there"
        findings.append(Finding("flows", 1, "format", f"{len(paths)} flows", mend))
        return MappingProxyType({})
    flows: dict[str, Flow] = {}
    for path in paths:
        flow = load_flow(path, f"flows/{path.name}", findings)
        if flow is not None:
            flows[flow.name] = flow
    return MappingProxyType(flows)


def _texts(config: Path, language: str, findings: list[Finding]) -> Mapping[str, Text]:
    path = config / "prompts" / f"{language}.yaml"
    file = f"prompts/{language}.yaml"
    if not path.is_file():
        findings.append(Finding(file, 1, "format", "no texts of this language", "write the file"))
        return MappingProxyType({})
    return load_texts(path, file, findings)


def _services(config: Path, findings: list[Finding]) -> Contracts | None:
    path = config / "services.yaml"
    try:
        return load_contracts(path)
    except OSError as error:
        problem, mend = str(error.strerror), "put services.yaml into the configuration folder"
        findings.append(Finding("services.yaml", 1, "format", problem, mend))
    except ContractError as error:
        findings.append(_contract_finding(str(error), path))
    return None


def _contract_finding(message: str, path: Path) -> Finding:
    rest = message.removeprefix(f"{path}:")
    line, _, problem = rest.partition(":")
    if not line.strip().isdigit():
        line, problem = "1", rest
    problem, _, mend = problem.strip().partition("; ")
    mend = mend or "make the contract as services.yaml says at its top"
    return Finding("services.yaml", int(line), "contract", problem, mend)


def release_files(config: Path) -> Mapping[str, bytes]:
    """What belongs to the release in a configuration folder: content by relative path."""
    return {
        path.relative_to(config).as_posix(): path.read_bytes()
        for pattern in HASHED
        for path in sorted(config.glob(pattern))
    }


def hash_of(files: Mapping[str, bytes]) -> str:
    """SHA-256 in hexadecimal over paths, lengths and contents, in the order of the paths."""
    digest = hashlib.sha256()
    for path, content in sorted(files.items()):
        digest.update(f"{path} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()
