"""The second factor: time-based one-time codes (RFC 6238) of six digits, 30 seconds a step."""

import hmac

import pyotp

STEP_S = 30
DIGITS = 6
DRIFT = 1
"""Steps that a telephone's clock may be off, either way."""
SEED_CHARACTERS = 32
"""Base32 characters of a seed: 160 bits, the length RFC 4226 section 4 asks for."""
ISSUER = "telebank"


def new_seed() -> str:
    """A random seed in base32."""
    return pyotp.random_base32(SEED_CHARACTERS)


def uri(seed: str, name: str) -> str:
    """What an authenticator reads from a picture: `otpauth://totp/...`."""
    return pyotp.TOTP(seed, digits=DIGITS, interval=STEP_S).provisioning_uri(
        name=name, issuer_name=ISSUER
    )


def step_of(seed: str, code: str, now: float, last_step: int) -> int | None:
    """The time step that the code belongs to, or None where it is wrong or was used before.

    `now` is seconds since 1970 UTC. A step is taken once: none up to `last_step` counts again.
    Every step in reach is computed whatever matched, so that time tells nothing.
    """
    totp = pyotp.TOTP(seed, digits=DIGITS, interval=STEP_S)
    current = int(now // STEP_S)
    found: int | None = None
    for step in range(current - DRIFT, current + DRIFT + 1):
        right = hmac.compare_digest(totp.generate_otp(step).encode(), code.encode())
        if right and step > last_step:
            found = step
    return found


def well_formed(code: str) -> bool:
    """Whether it can be a code at all."""
    return len(code) == DIGITS and code.isascii() and code.isdigit()
