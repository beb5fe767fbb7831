"""Whether a fax that is being received still has room.

The library confirms a page to its sender even where the file could not be written: so a fax ends
while there is room, not when there is none.
"""

import os
from pathlib import Path

_MB = 1 << 20


def shortage(path: Path, most_mb: int) -> str:
    """Why the fax into `path` must not go on; empty while it may. `most_mb`: megabytes for it, and
    megabytes that stay free on its disk."""
    try:
        disk = os.statvfs(path.parent)
        size = path.stat().st_size if path.exists() else 0
    except OSError as error:
        return f"no fax can be received into {path.parent}: {error.strerror}"
    if not os.access(path.parent, os.W_OK):
        return f"no fax can be received into {path.parent}: it cannot be written to"
    if disk.f_bavail * disk.f_frsize < most_mb * _MB:
        return f"less than {most_mb} MB are free in {path.parent}: make room to receive faxes"
    if size >= most_mb * _MB:
        return f"the fax takes {most_mb} MB, which is the most"
    return ""
