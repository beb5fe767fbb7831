"""What can go wrong at a security module. No message carries a key, a PIN or a card number."""


class SecurityModuleError(Exception):
    """Any refusal of a security module."""


class UnknownKeyError(SecurityModuleError):
    """No key has this name, or it has no version that may do this work."""


class KeyExistsError(SecurityModuleError):
    """The name is taken; a new version of it is a rotation."""


class KeyUsageError(SecurityModuleError):
    """A key was asked to do the work of another usage or algorithm."""


class KeyRefusedError(SecurityModuleError):
    """Key material, a component, a key block or a key file is malformed, weak or was changed."""


class NotSupportedError(SecurityModuleError):
    """The module cannot do this; says which operation and why."""


class ModuleAwayError(SecurityModuleError):
    """The module does not answer, or does not let us in."""


class ModuleBusyError(SecurityModuleError):
    """As many operations wait as may wait; nothing was done."""


class PinBlockError(SecurityModuleError):
    """A PIN, a card or a PIN block does not fit its format."""
