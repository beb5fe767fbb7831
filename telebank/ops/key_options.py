"""Settings of the security module, section [keys]."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class KeyOptions:
    """Where the keys shared with hosts are kept, and worked with."""

    module: Literal["software", "pkcs11"] = "software"
    """`software`: sealed files in DATA/keys. `pkcs11`: a token, which keys never leave."""
    master_file: str = ""
    """Software: file of the master key, mode 0600, where it is not in DATA/keys (a mounted
    credential); a relative path is below DATA/keys."""
    library: str = ""
    """PKCS#11: path of the token's library."""
    token: str = ""
    """PKCS#11: the token's label."""
    token_pin_file: str = ""
    """PKCS#11: file of the token's user PIN, mode 0600; a relative path is below DATA/keys."""

    def __post_init__(self) -> None:
        if self.module == "pkcs11" and not (self.library and self.token):
            raise ValueError('module = "pkcs11" needs `library` and `token`')

    def path(self, keys: Path, name: str) -> Path | None:
        """A file of these, below the folder of keys where it is relative; None where not set."""
        return keys / name if name else None
