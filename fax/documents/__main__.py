"""`python -m fax.documents`: one question as JSON on standard input, one answer on standard output.

Exit 0 when it is done, 1 when not. Drawing takes the better part of a second of a core and reads
files that strangers made: so it has a process of its own, with limits of its own.
"""

import os
import resource
import sys

import msgspec

from fax.documents.jobs import MAX_QUESTION, Answer, Done, Failed, Question
from fax.documents.press import run

MAX_MEMORY = 1_500_000_000
"""Address space in bytes; a page of A4 takes a few million."""
MAX_CPU_S = 120
MAX_FILE_BYTES = 100_000_000
NICE = 5
"""Below the calls."""


def main() -> int:
    """Answer one question."""
    os.umask(0o077)
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_S, MAX_CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILE_BYTES, MAX_FILE_BYTES))
    answer = _answer(sys.stdin.buffer.read(MAX_QUESTION + 1))
    sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    return 0 if isinstance(answer, Done) else 1


def _answer(question: bytes) -> Answer:
    if len(question) > MAX_QUESTION:
        return Failed(f"a question has at most {MAX_QUESTION} bytes: print fewer rows")
    try:
        asked = msgspec.json.decode(question, type=Question)
    except msgspec.MsgspecError as error:
        return Failed(f"this is no question: {error}")
    return run(asked)


if __name__ == "__main__":
    sys.exit(main())
