"""Signed notes: one of another implementation, ours by hand, keys that follow each other."""

import base64
import hashlib

import pytest

from telebank.audit.merkle import CompactRange, leaf_hash
from telebank.audit.notes import SigningKey
from telebank.audit.verify import Bad, Checkpoint, Keys, Note, PublicKey

# Of the documentation of Go's golang.org/x/mod/sumdb/note.
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PROBLEM = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdn"
    "gotpRZb6KE6RyyBwJnAM=\n"
)
ROOT = hashlib.sha256(b"root").digest()


def key(number: int, seed: bytes = b"") -> SigningKey:
    return SigningKey.of_seed("01", number, hashlib.sha256(b"%d" % number + seed).digest())


def test_a_note_of_another_implementation() -> None:
    signer = PublicKey.read(NEUMANN)
    assert signer.text == NEUMANN
    assert Keys([signer]).signer(Note.read(PROBLEM)) == signer
    with pytest.raises(Bad, match="not signed"):
        Keys([signer]).signer(Note.read(PROBLEM.replace("answer", "Answer")))


def test_a_checkpoint_written_out() -> None:
    first = key(1)
    note = first.checkpoint(7, ROOT)
    text, _, signature = note.partition("\n\n")
    assert text == f"telebank/node-01\n7\n{base64.b64encode(ROOT).decode()}"
    dash, name, coded = signature.rstrip("\n").split(" ")
    assert (dash, name) == ("\u2014", "telebank/node-01")
    named = b"telebank/node-01\n\x01" + first.public.raw
    assert base64.b64decode(coded)[:4] == hashlib.sha256(named).digest()[:4]
    assert Keys([first.public]).checkpoint(note) == Checkpoint("telebank/node-01", 7, ROOT)


def test_a_checkpoint_that_nobody_trusted_signed() -> None:
    with pytest.raises(Bad, match="not signed by a trusted key"):
        Keys([key(1).public]).checkpoint(key(1, b"other").checkpoint(7, ROOT))
    changed = key(1).checkpoint(7, ROOT).replace("\n7\n", "\n8\n")
    with pytest.raises(Bad, match="not signed by a trusted key"):
        Keys([key(1).public]).checkpoint(changed)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "no signature\n",
        "text\n\nno dash\n",
        "text\n\n\u2014 name !!!\n",
        "text\n\n\u2014 name AA==",
    ],
)
def test_what_is_no_note(note: str) -> None:
    with pytest.raises(Bad):
        Note.read(note)


@pytest.mark.parametrize("text", ["a\n07\nAA==\n", "a\n7\nAA==\n", "a\n-1\n\n", "a\n"])
def test_what_is_no_checkpoint(text: str) -> None:
    with pytest.raises(Bad):
        Checkpoint.read(Note(text.encode(), []))


def test_a_key_signs_for_its_own_node_alone() -> None:
    other = SigningKey.of_seed("02", 1, bytes(32))
    note = other._note(Checkpoint("telebank/node-01", 7, ROOT).text)
    with pytest.raises(Bad, match="telebank/node-02 signed a checkpoint of telebank/node-01"):
        Keys([key(1).public, other.public]).checkpoint(note)


def test_a_key_copied_wrong_is_said() -> None:
    text = key(1).public.text
    with pytest.raises(Bad, match="copied wrong"):
        PublicKey.read(text.replace("node-01", "node-02"))
    with pytest.raises(Bad, match="no key"):
        PublicKey.read("something else")


def test_the_old_key_names_the_new_one() -> None:
    one, two, three = key(1), key(2), key(3)
    keys = Keys([one.public])
    keys.learn([two.statement(three.public), one.statement(two.public)])  # in any order
    for size, signer in ((5, one), (9, two), (12, three)):
        assert keys.checkpoint(signer.checkpoint(size, ROOT)).size == size


def test_a_key_whose_time_is_over_signs_nothing_new() -> None:
    one, two = key(1), key(2)
    keys = Keys([one.public])
    keys.learn([one.statement(two.public)])
    assert keys.checkpoint(two.checkpoint(9, ROOT)).size == 9
    assert keys.checkpoint(one.checkpoint(9, ROOT)).size == 9
    with pytest.raises(Bad, match="successor signs since size 9"):
        keys.checkpoint(one.checkpoint(10, ROOT))


def test_a_key_that_nobody_named_is_not_learnt() -> None:
    stranger = key(1, b"stranger")
    keys = Keys([key(1).public])
    keys.learn([stranger.statement(key(2).public)])
    with pytest.raises(Bad, match="not signed by a trusted key"):
        keys.checkpoint(key(2).checkpoint(9, ROOT))


def test_a_key_that_named_two_is_said() -> None:
    one = key(1)
    keys = Keys([one.public])
    with pytest.raises(Bad, match="named two"):
        keys.learn([one.statement(key(2).public), one.statement(key(2, b"thief").public)])


def test_a_secret_is_not_shown() -> None:
    seed = hashlib.sha256(b"1").digest()
    shown = repr(SigningKey.of_seed("01", 1, seed))
    assert seed.hex() not in shown
    assert "telebank/node-01+" in shown


def test_ten_million_leaves_take_no_memory() -> None:
    tree = CompactRange(10_000_000 - 1, [bytes(32)] * (10_000_000 - 1).bit_count())
    tree.append(leaf_hash(b""))
    assert len(tree.peaks) == (10_000_000).bit_count() < 24
