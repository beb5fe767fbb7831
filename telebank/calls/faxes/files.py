"""Files of faxes: DATA/fax/ID/paper.pdf and pages.tiff, for the node's own user alone."""

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

FOLDER_MODE = 0o700
FILE_MODE = 0o600
PAPER, PAGES, CAME = "paper.pdf", "pages.tiff", "in"


@dataclass(frozen=True, slots=True)
class FaxFiles:
    """Below `root`, which is DATA/fax. Those that came are in `root/in`."""

    root: Path

    def new(self, fax: str, *, came: bool = False) -> Path:
        """An empty folder for a fax; raises `OSError`."""
        folder = self.root / self.name(fax, came=came)
        folder.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        self.root.chmod(FOLDER_MODE)
        folder.mkdir(mode=FOLDER_MODE)
        return folder

    def name(self, fax: str, *, came: bool = False) -> str:
        """Of a fax's folder, below `root`."""
        return f"{CAME}/{fax}" if came else fax

    def paper(self, folder: str) -> Path:
        """The document as PDF."""
        return self.root / folder / PAPER

    def pages(self, folder: str, first: int = 0) -> Path:
        """Its pages as TIFF; of a fax that is continued, those from page `first` (from 0) on."""
        return self.root / folder / (f"pages-{first + 1}.tiff" if first else PAGES)

    def adopt(self, fax: str, folder: Path) -> Path:
        """Take a folder of papers as a fax's own, durable; raises `OSError`, and then the folder is
        where it was."""
        self.root.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        own = self.root / fax
        for name in (PAPER, PAGES):
            (folder / name).chmod(FILE_MODE)
            self._settle(folder / name)
        folder.chmod(FOLDER_MODE)
        self._settle(folder)
        folder.rename(own)
        try:
            self._settle(own.parent)
        except OSError:
            own.rename(folder)
            raise
        return own

    def give_back(self, fax: str, folder: Path) -> None:
        """What `adopt` took, where nothing came of it."""
        (self.root / fax).rename(folder)

    def free(self) -> int:
        """Bytes that are free on its disk; raises `OSError`."""
        self.root.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        return shutil.disk_usage(self.root).free

    def remove(self, folder: str) -> None:
        """Remove a fax's files, as far as they are there; raises `OSError`."""
        own = (self.root / folder).resolve()
        if own.exists() and self.root.resolve() in own.parents:
            shutil.rmtree(own)

    def stale(self, node: str, older_s: float) -> frozenset[str]:
        """Folders of a node's faxes, by name, that nobody has touched for so many seconds: nodes
        may have one data folder."""
        before = time.time() - older_s
        folders = [*self.root.glob(f"{node}-*-F*"), *self.root.glob(f"{CAME}/{node}-*-F*")]
        old = (folder for folder in folders if folder.lstat().st_mtime < before)
        return frozenset(str(folder.relative_to(self.root)) for folder in old)

    def _settle(self, path: Path) -> None:
        """Have a file, or the names in a folder, durable before a row speaks of them."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
