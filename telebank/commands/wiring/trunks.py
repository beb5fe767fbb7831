"""Trunks of a node, with their passwords."""

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

from telebank.calls.endpoint import reachable_address
from telebank.settings import Settings, trunk_accounts
from telebank.sip.trunks import DEFAULT, LOOPBACK, Trunks


def trunks_of(data: Path, settings: Settings) -> Trunks:
    """The trunks as the settings have them. Raises `SettingsError` for a password's file.

    What this machine sends to an address of its own comes from that address, and is this machine's
    as what comes from 127.0.0.1 is; no network lets such a source in from outside (RFC 1812
    5.3.8, which Linux keeps to).
    """
    trunks = dict(settings.trunks)
    if trunks[LOOPBACK].addresses == DEFAULT[LOOPBACK].addresses:
        written = {network for each in trunks.values() for network in each.addresses}
        bound = {reachable_address(place.host) for place in settings.calls.places}
        own = sorted(one for one in bound if not ip_address(one).is_loopback and one not in written)
        here = (*trunks[LOOPBACK].addresses, *own)
        trunks[LOOPBACK] = replace(trunks[LOOPBACK], addresses=here)
    return Trunks(trunks, trunk_accounts(data, settings.trunks))
