"""The `telebank` command: loads one module per noun, late, so that `--help` is quick."""

from collections.abc import Mapping
from types import MappingProxyType

import click

from telebank import __version__
from telebank.commands.late import LateGroup

NOUNS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "run": ("run", "Start the whole bank on this machine: node, console, demo core host."),
        "serve": ("serve", "Run one voice node."),
        "reload": ("reload", "Have the running node read its files again."),
        "settle": ("settle", "Settle what a dead node left open."),
        "console": ("console", "Serve the web pages: calls, faxes, desks, floor, wall."),
        "corehost": ("corehost", "The demo core banking host."),
        "call": ("call", "Place a call: a phone in the terminal."),
        "calls": ("calls", "List calls: keys, services, outcomes, durations."),
        "lines": ("lines", "Watch the lines live: states, quality, trunks, media."),
        "watch": ("watch", "Serve SNMP, metrics and health of a node."),
        "alarms": ("alarms", "Alarms that are raised, as the watcher has them."),
        "events": ("events", "Read the event log: alarms, approvals, what staff did."),
        "running": ("running", "How a day went: calls by hour, services, what went wrong."),
        "audit": ("audit", "The audit log: export it, verify an export, prove an entry."),
        "say": ("say", "Read a value aloud as text or sound."),
        "voice": ("voice", "Check, make and build the prompt packs."),
        "flow": ("flow", "Check, list and test the menu trees."),
        "host": ("host", "Check, try, watch and certify the link to the core host."),
        "staff": ("staff", "Who works here: add, log in, leave, unlock, reset."),
        "phones": ("phones", "Desk phones: add, list, show, remove, give a new secret."),
        "queue": ("queue", "Queues of callers: check them, seats needed, play them."),
        "contacts": ("contacts", "Tellers' contacts with callers: list."),
        "matters": ("matters", "What is still to be done after talks: list, show."),
        "knowledge": ("knowledge", "Articles for tellers: search, show, check."),
        "recordings": ("recordings", "Recordings of tellers' calls: list, check."),
        "retention": ("retention", "Delete what has had its time; legal holds."),
        "approval": ("approval", "What waits for a second person."),
        "pin": ("pin", "What is kept of telephone PINs."),
        "loss": ("loss", "Reports of lost cards: list, confirm, lift."),
        "customer": ("customer", "What is kept for a customer; tokens for second factors."),
        "notice": ("notice", "What new callers hear first, recorded by telephone."),
        "fax": ("fax", "Send a PDF by fax; list, show, cancel; what came in."),
        "order": ("order", "Scheduled transfers: list, show."),
        "keys": ("keys", "Keys of the security module, and those of the store."),
        "store": ("store", "What the database holds: the class of each column."),
        "release": (
            "release",
            "Put menus, services and recordings in force, by two people; show them.",
        ),
        "config": ("config", "Show and check the settings."),
        "backup": ("backup", "Copy a node's data into one archive while it runs; check one."),
        "restore": ("restore", "Put an archive of `telebank backup` into an empty folder."),
        "size": ("size", "Lines, seats and cores for so many calls a day."),
        "bench": ("bench", "Measure calls and media on this machine."),
    }
)


@click.group(
    cls=LateGroup,
    package="telebank.commands",
    parts=NOUNS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="telebank")
def main() -> None:
    """An open telephone bank: ring it, press keys, hear the balance, move money.

    \b
    Examples:
      telebank run                      the whole bank on this machine
      telebank call sip:bank@127.0.0.1:5060 --keys "1 1 6227…# 123456# 1"
      telebank calls --follow
      telebank say money 1234.50 --language zh

    Tab completion: eval "$(_TELEBANK_COMPLETE=bash_source telebank)"
    """
