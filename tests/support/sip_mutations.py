"""Messages that somebody broke."""

from hypothesis import strategies as st

PIECES = [
    b"\r\n", b"\r\n ", b"\x00", b"\xff", b";", b",", b"<", b">", b'"', b"\\", b"=", b":",
    b"@", b" ",
    b";;", b"z9hG4bK", b"sip:", b"SIP/2.0", b"Via: ", b"tag=", b"9999999999999999", b"-1", b"[::1]",
    b"Contact: <sip:x>\r\n", b"Content-Length: 5\r\n", b"Record-Route: <sip:a;lr>\r\n", b"0.0.0.0",
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """A seed with some octets cut, doubled, replaced or put in."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 40)))
        piece = draw(st.one_of(st.sampled_from([*PIECES, b""]), st.binary(max_size=8)))
        data[start:end] = piece if draw(st.booleans()) else piece + data[start:end] * 2
    return bytes(data)
