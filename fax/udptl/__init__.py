"""UDPTL: T.38 facsimile packets over UDP, with redundancy (ITU-T T.38, section 9 and annex A).

Plain objects: no sockets, no clock. The terminal says what goes into a packet, this says how it
survives the network.
"""

from fax.udptl.packet import MalformedUdptl, Packet, Parity, decode, encode
from fax.udptl.receiver import Receiver
from fax.udptl.sender import Sender, usable_datagram

__all__ = [
    "MalformedUdptl",
    "Packet",
    "Parity",
    "Receiver",
    "Sender",
    "decode",
    "encode",
    "usable_datagram",
]
