"""The documents of a release that can be faxed, as `fax.documents` reads them."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from fax.documents.catalogue import CatalogueError
from fax.documents.catalogue import load_documents as load_catalogue
from fax.documents.kinds import DocumentKind
from telebank.flow.model import Finding

FILE = "documents.yaml"

Documents = Mapping[str, DocumentKind]
"""Name to document."""


def load_documents(config: Path, findings: list[Finding]) -> Documents:
    """The documents of a configuration folder; none where it has no such file."""
    path = config / FILE
    if not path.is_file():
        return MappingProxyType({})
    try:
        return load_catalogue(path)
    except CatalogueError as error:
        findings.append(Finding(FILE, error.line, "format", error.problem, error.mend))
        return MappingProxyType({})
