"""Why a phone's own connection failed, and what to do about it."""

from telebank.calls.connection_options import TlsFiles
from telebank.calls.connections import NOTHING_LISTENS
from telebank.sip import Hop

TLS_FAILED = "the TLS connection"
"""How the words begin where somebody is there."""


def why_lost(hop: Hop, why: str, tls: TlsFiles | None) -> str:
    """In words for who called; `why` as `Connections.losing` has it, `tls` the files in use."""
    there = f"{hop.host}:{hop.port}"
    if why == NOTHING_LISTENS:
        return f"nothing listens on TCP {there}"
    if hop.transport != "tls":
        return f"the TCP connection to {there} failed: {why}"
    said = f"{TLS_FAILED} to {there} failed: {why.removeprefix('TLS: ')}"
    if "certificate refused" in why:
        return f"{said}. {_of_theirs(why, tls)}"
    if "wrong version number" in why or "record layer failure" in why:
        return f"{said}. Is TLS spoken on that port?"
    if tls is None or tls.certificate is None:
        return f"{said}. Where the bank asks for a certificate: --tls-certificate CERTIFICATE KEY"
    return f"{said}. Does the bank believe {tls.certificate}?"


def _of_theirs(why: str, tls: TlsFiles | None) -> str:
    """What to do about the certificate that the bank showed."""
    if "mismatch" in why:
        return "Call the bank by a name or address that its certificate has"
    if "expired" in why or "not yet valid" in why:
        return "The bank needs a new certificate, or the clock here is wrong"
    ca = None if tls is None else tls.ca
    if ca is None:
        return "The bank's certificate is of no authority known here: give it by --tls-ca FILE"
    return f"The bank's certificate is not of the authority in {ca}: give the right one by --tls-ca"
