"""A session's variables: plain values in its state, card numbers and secrets in the vault."""

from telebank.flow.model import ABILITIES, AT_DESK
from telebank.flow.state import Handle, State
from telebank.flow.vault import Vault
from transactions.card import CardNumber, SealedCard
from transactions.outcome import Rows, Value, Values
from transactions.request import AuthLevel
from transactions.secret import Secret

_PROVED_BY = {
    AuthLevel.CODE: ({AuthLevel.CODE}, AuthLevel.NONE),
    AuthLevel.PIN: ({AuthLevel.PIN, AuthLevel.SECOND_FACTOR}, AuthLevel.NONE),
    AuthLevel.SECOND_FACTOR: ({AuthLevel.SECOND_FACTOR}, AuthLevel.PIN),
}
"""What hangs on the proof of a level, and what is left without it."""


def without(has: AuthLevel, lost: AuthLevel | None) -> AuthLevel:
    """The level of somebody whose proof of `lost` is locked; None: none is."""
    levels, left = _PROVED_BY.get(lost or AuthLevel.NONE, (set[AuthLevel](), has))
    return left if has in levels else has


class Memory:
    """Reads and writes the variables of `state`; guarded values go through `vault`."""

    def __init__(self, state: State, vault: Vault) -> None:
        self._state = state
        self._vault = vault

    def has(self, name: str) -> bool:
        """Tell whether a variable is set."""
        return name in self._state.vars

    def value(self, name: str) -> Value | None:
        """A variable's value, or None where it is not set."""
        stored = self._state.vars.get(name)
        return self._vault.get(stored.token) if isinstance(stored, Handle) else stored

    def rows(self, name: str) -> Rows:
        """The rows of a variable; none where it is not set."""
        stored = self._state.vars.get(name)
        return stored if isinstance(stored, tuple) else ()

    def store(self, name: str, value: Value) -> None:
        """Set a variable; what it held before is forgotten."""
        self.forget(name)
        if isinstance(value, SealedCard):
            return
        if isinstance(value, CardNumber | Secret):
            self._state.vars[name] = Handle(self._vault.put(value))
        else:
            self._state.vars[name] = value

    def forget(self, name: str) -> None:
        """Unset a variable, overwriting a secret."""
        old = self._state.vars.pop(name, None)
        if isinstance(old, Handle) and old.token != self._state.customer:
            self._vault.drop(old.token)

    def prove(self, name: str, level: AuthLevel) -> None:
        """The customer of the card in `name` has proved himself. A second factor of the same card
        lasts to the end of the call."""
        card = self._state.vars.get(name)
        if not isinstance(card, Handle):
            return
        same = self.proved is not None and self.proved == self._vault.get(card.token)
        if not (same and self._state.auth is AuthLevel.SECOND_FACTOR):
            self._state.auth = level
        self._state.customer = card.token

    def take_over(self, given: Values, customer: CardNumber, level: AuthLevel) -> None:
        """He proved himself elsewhere. Where `given` has another card than was here, what else is
        known was another customer's and is forgotten."""
        if any(self.value(name) not in (None, value) for name, value in given.items()):
            for name in [name for name in self._state.vars if name not in ABILITIES]:
                self.forget(name)
        for name, value in given.items():
            self.store(name, value)
        if self._state.auth is AuthLevel.SECOND_FACTOR and self.proved == customer:
            return
        self._state.auth = level
        self._state.customer = self._vault.put(customer)

    def take_back(self, lost: AuthLevel) -> bool:
        """The proof of this level is locked, by wrong tries: whoever is there has it no more.
        False: he had none of it."""
        state, left = self._state, without(self._state.auth, lost)
        if left is state.auth:
            return False
        state.auth = left
        if left is AuthLevel.NONE:
            token, state.customer = state.customer, None
            held = {one.token for one in state.vars.values() if isinstance(one, Handle)}
            if token is not None and token not in held:
                self._vault.drop(token)
            self.forget(AT_DESK)
        return True

    @property
    def proved(self) -> CardNumber | None:
        """The card that has proved itself."""
        token = self._state.customer
        card = self._vault.get(token) if token is not None else None
        return card if isinstance(card, CardNumber) else None

    def forget_all(self, wipe: bool) -> None:
        """The call is over. `wipe` False leaves a secret to the service that has it in hand."""
        for stored in self._state.vars.values():
            if isinstance(stored, Handle):
                self._vault.drop(stored.token, wipe)
        if self._state.customer is not None:
            self._vault.drop(self._state.customer)
