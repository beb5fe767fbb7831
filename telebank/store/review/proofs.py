"""Whether an entry of the audit log stands in a signed checkpoint of its node, judged now.

As `telebank audit prove` and the verifier, with the node's first key of the store: an auditor who
trusts the bank's machines no further takes the key and the anchors that he has himself.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from telebank.audit.verify import Bad, Checkpoint, Keys, Note, PublicKey, verify_proof
from telebank.store.audit_export import NoProof, proof_of
from telebank.store.checkpoints import LeafMissing, checkpoints_after, keys_of

Standing = Literal["holds", "waits", "broken"]


@dataclass(frozen=True, slots=True)
class Proof:
    """What is proved of one entry."""

    node: str
    sequence: int
    standing: Standing
    size: int = 0
    """Of the checkpoint: entries that it stands for."""
    at: datetime | None = None
    """When the checkpoint was made."""
    why: str = ""
    """It does not hold."""

    @property
    def leaf(self) -> int:
        """Its place in the tree."""
        return self.sequence - 1


def prove(connection: Connection, node: str, sequence: int) -> Proof:
    """Prove one entry; it waits until a checkpoint stands for it."""
    keys = keys_of(connection, node)
    point = next(iter(checkpoints_after(connection, node, sequence - 1, 1)), None)
    if point is None or not keys:
        return Proof(node, sequence, "waits")
    try:
        said = proof_of(connection, node, sequence)
        size = Checkpoint.read(Note.read(said["checkpoint"])).size
        verify_proof(said, Keys([PublicKey.read(keys[0].public)]), None)
    except (Bad, LeafMissing, NoProof) as error:
        return Proof(node, sequence, "broken", point.size, point.at, str(error))
    return Proof(node, sequence, "holds", size, point.at)
