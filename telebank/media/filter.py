"""Classic BPF on a call's socket: only what Python must see wakes it.

While nobody listens to a caller's audio, keys (the telephone-event payload type), comfort noise
(few packets, and all that a silent caller sends) and one packet in 64 by sequence number (a sign of
life) pass; the kernel drops the rest. Offsets count from the UDP
header: eight bytes, then RTP.
"""

import ctypes
import socket
import struct
from typing import NamedTuple

SO_ATTACH_FILTER = 26
SO_DETACH_FILTER = 27
SAMPLE_EVERY = 64
"""One packet in this many passes a narrowed filter; a power of two."""
COMFORT_NOISE = 13
"""Static payload type of RFC 3389."""

_LOAD_BYTE = 0x30
_LOAD_HALF = 0x28
_AND = 0x54
_JUMP_EQUAL = 0x15
_JUMP_GREATER_OR_EQUAL = 0x35
_RETURN = 0x06
_PASS = 0xFFFF
_FIRST_OFFSET = 8
_TYPE_OFFSET = 9
_SEQUENCE_OFFSET = 10


class Instruction(NamedTuple):
    """`struct sock_filter`: operation, jumps if true and if false, constant."""

    code: int
    jump_true: int
    jump_false: int
    k: int


def narrow(event_type: int | None, rtcp_mux: bool, signals: bool = False) -> list[Instruction]:
    """The program that passes events, comfort noise, RTCP where it shares the port, one packet in
    64, and STUN and DTLS (RFC 7983) where there are such `signals`.

    A load beyond the packet's end drops it, so truncated datagrams never pass.
    """
    program = []
    if signals:
        program += [
            Instruction(_LOAD_BYTE, 0, 0, _FIRST_OFFSET),
            Instruction(_JUMP_GREATER_OR_EQUAL, 1, 0, 128),
            Instruction(_RETURN, 0, 0, _PASS),
        ]
    program += [Instruction(_LOAD_BYTE, 0, 0, _TYPE_OFFSET)]
    if rtcp_mux:
        program += [
            Instruction(_JUMP_GREATER_OR_EQUAL, 0, 2, 192),
            Instruction(_JUMP_GREATER_OR_EQUAL, 1, 0, 224),
            Instruction(_RETURN, 0, 0, _PASS),
        ]
    program += [Instruction(_AND, 0, 0, 0x7F)]
    for payload_type in (COMFORT_NOISE, *(() if event_type is None else (event_type,))):
        program += [
            Instruction(_JUMP_EQUAL, 0, 1, payload_type),
            Instruction(_RETURN, 0, 0, _PASS),
        ]
    return [
        *program,
        Instruction(_LOAD_HALF, 0, 0, _SEQUENCE_OFFSET),
        Instruction(_AND, 0, 0, SAMPLE_EVERY - 1),
        Instruction(_JUMP_EQUAL, 0, 1, 0),
        Instruction(_RETURN, 0, 0, _PASS),
        Instruction(_RETURN, 0, 0, 0),
    ]


def control() -> list[Instruction]:
    """The program of a port of RTCP's own: what is no RTCP by its type (200 to 207) is dropped."""
    return [
        Instruction(_LOAD_BYTE, 0, 0, _TYPE_OFFSET),
        Instruction(_JUMP_GREATER_OR_EQUAL, 0, 2, 200),
        Instruction(_JUMP_GREATER_OR_EQUAL, 1, 0, 208),
        Instruction(_RETURN, 0, 0, _PASS),
        Instruction(_RETURN, 0, 0, 0),
    ]


def attach(endpoint: socket.socket, program: list[Instruction]) -> None:
    """Attach a program to a socket, in place of any before it; ordinary users may."""
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    fprog = struct.pack("HP", len(program), ctypes.addressof(buffer))
    endpoint.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, fprog)


def detach(endpoint: socket.socket) -> None:
    """Take the program off, so that every packet passes again."""
    endpoint.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
