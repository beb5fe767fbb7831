"""The states of a line, as people who watch the lines read them."""

from typing import Literal, get_args

State = Literal[
    "ringing",
    "menu",
    "talking",
    "keying",
    "thinking",
    "recording",
    "held",
    "fax",
    "waiting",
    "teller",
    "ending",
]
"""`ringing`: not yet answered; `menu`: at a menu; `talking`: the bank says something else;
`keying`: it waits for keys elsewhere than at a menu; `thinking`: a service was asked and has not
answered, whatever is said meanwhile; `recording`: the caller is being recorded; `held`: the caller
holds the bank; `fax`: a fax goes through the call; `waiting`: he waits for a teller, or is on
hold; `teller`: he talks with one; `ending`: it is over but for its last answers.
"""
STATES: tuple[State, ...] = get_args(State)
