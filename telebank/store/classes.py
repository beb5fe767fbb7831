"""What each column of the store is, as data: it decides what is masked in logs and exports.

C1: public or of the bank's own work. C2: speaks of a person: tokens, masks, names, money, words.
C3: card numbers and other numbers as they are, and what proves somebody (seeds, verifiers, hashes
of passwords), sealed or not. Only names are here, so that whoever writes a log line need not have
the tables. A test compares this with the tables: no column is without a class.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType


class Class(StrEnum):
    """How much a column needs to be hidden."""

    C1 = "C1"
    C2 = "C2"
    C3 = "C3"


HIDDEN = "***"
"""In the place of a value that nobody is shown."""

_TEXT = """
approval: act content_hash decided_at decided_by expires_at id proposed_at proposed_by state
  | detail note object
attempt: count day | key
audit_key: at node number public statement
ceiling: changed_at currency limit_name next_from | amount customer next_amount
checkpoint: at node note peaks reason size
code_sent: at id | customer
code_token: added_at added_by key_id step | customer | ciphertext
contact: answered began business call direction ended epoch hold_s how_ended id language level node
  note_key_id queue seat wrap_s | caller_masked card_masked customer | note_ciphertext
counter: name next node
customer_number: added_at added_by | customer masked number
customer_record: changed_at changed_by teller | customer importance
desk_phone: algorithms changed_at changed_by created_at created_by extension key_id realm state
  | name | ciphertext
event: actor boot call kind leg monotonic_us node origin outcome personal_hash request role schema
  sequence utc_us | detail personal salt
fax_dial: at attempt ended_at job price seconds trunk | number_token
fax_job: attempt bad_rows begun by call changed_at confirmed content direction document due_at epoch
  expires_at folder held_until home id language made_at mail mail_attempt mail_due mail_unknown node
  number_key_id pages request role state stop_by title tries way why
  | customer number_masked number_token | number_ciphertext
host_message: attempt field32 field37 field41 field7 link mti ordinal processing_code reply39
  reply_at request role sent_at settled_on stan | amount
hot_card: at decided_at decided_by decision request state until | masked note token
kept_place: business call called kept_at language last_seat level node numbers_key_id own_seat
  priority queue since skill tried_at tries | card customer | numbers_ciphertext
known_balance: at key_id | token | ciphertext
leaf: hash node sequence
lease: epoch heartbeat holder node nodes terminal
legal_hold: id kind placed_at placed_by released_at released_by until
  | masked note release_note value
limit_use: business_date currency limit_name request state | amount customer
matter: business call changed_at contact due_at entries holder number opened_at opened_by state
  subject_key_id | card_masked customer | subject_ciphertext
matter_entry: at by key_id kind matter nth to | | ciphertext
notice: content language recorded_at recorded_by samples
order_run: attempt changed_at due epoch held_until node number state why
payee: added_at currency key_id ready_at slot | customer daily masked name token | ciphertext
proposal: company currency decided_at expires_at key_id kind number proposed_at request state
  terms_hash used_by | amount decided_by maker operator payee_name | terms
publication: approval at by number release
recording: began by call contact cut epoch key_id marks milliseconds name node seat sealed_sha256
  sha256 size state why
release: hash made_at made_by note
release_file: content path release
request: attempts auth business_date call channel content_hash contract_version created_at currency
  effect epoch guard_currency host_reference id key_id language messages next_attempt_at node
  outcome quote reason recovery reference release service settled_at state steps terminal told
  | actor amount authenticated_token customer guard_amount guard_payee guard_payer inputs
  outcome_data payee_masked
request_state: at ordinal request state why
sealed_input: key_id kind name request | masked token | ciphertext
seat_setting: changed_at changed_by phone staff | began_on
setting: changed_at what | customer value
staff: changed_at created_at created_by id locked_until role state totp_key_id totp_step wrong
  | name | password totp_ciphertext
staff_skill: level skill staff
telephone_pin: at generation key_check | token | salt verifier
transfer_order: auth call changed_at currency every first language last made_at next number
  payee_key_id payer_key_id release request state
  | amount customer fee payee_masked payee_name payee_token payer_masked
  | payee_ciphertext payer_ciphertext
usage: count day what | customer
vault: fingerprint name
"""
"""Of each table the columns of C1, then of C2, then of C3, with `|` between."""


def _read() -> Iterator[tuple[str, Mapping[str, Class]]]:
    for entry in _TEXT.replace("\n  ", " ").strip().splitlines():
        table, _, columns = entry.partition(":")
        parts = zip(Class, columns.split("|"), strict=False)
        yield table, MappingProxyType({one: of for of, part in parts for one in part.split()})


CLASSES: Mapping[str, Mapping[str, Class]] = MappingProxyType(dict(_read()))
"""By table and column."""


def of_name(name: str) -> Class | None:
    """The highest class of the columns of that name; None where no column is called so."""
    return _HIGHEST.get(name)


def names(of: Class) -> frozenset[str]:
    """Column names whose highest class is this one."""
    return frozenset(name for name, highest in _HIGHEST.items() if highest is of)


def markdown() -> list[str]:
    """The table of docs/store.md, a line each; what it does not name is C1."""
    rows = [
        f"| `{table}` | {' '.join(_of(columns, Class.C2))} | {' '.join(_of(columns, Class.C3))} |"
        for table, columns in CLASSES.items()
    ]
    return ["| table | C2 | C3 |", "|---|---|---|", *rows]


def _of(columns: Mapping[str, Class], wanted: Class) -> list[str]:
    return sorted(name for name, of in columns.items() if of is wanted)


def _highest() -> dict[str, Class]:
    found: dict[str, Class] = {}
    for columns in CLASSES.values():
        for name, of in columns.items():
            found[name] = max(of, found.get(name, of))
    return found


_HIGHEST: Mapping[str, Class] = MappingProxyType(_highest())
MASKS = frozenset(name for name in names(Class.C2) if name.endswith("_masked"))
"""What of a person may be shown, already masked: of an event's detail the part beside the entry."""
