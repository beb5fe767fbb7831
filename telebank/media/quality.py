"""How a call sounds, estimated: the E-model (ITU-T G.107) with G.113's values for G.711.

    R = 93.2 - Idd - Ie,eff        MOS from R (G.107 Annex B)

93.2 is what G.107's default values give (clause 7.7). Idd is the impairment of a long delay (clause
7.4), echo taken as cancelled. Ie,eff is that of packet loss (clause 7.5) with Ie = 0 and Bpl by
whether lost packets are concealed (G.113 Appendix I): 25.1 as G.711 Appendix I does it, 4.3 where
they are silence. Losses are taken as random: BurstR = 1.
"""

import math

R_DEFAULT = 93.2
BPL_CONCEALED = 25.1
BPL_SILENT = 4.3
_DELAY_HARMLESS_MS = 100.0
_IE = 0.0


def mos(loss: float, delay_ms: float, *, concealed: bool) -> float:
    """Listening and talking quality, 1.0 to 4.5: `loss` a part of 1, `delay_ms` mouth to ear."""
    return mos_of(R_DEFAULT - delay_impairment(delay_ms) - loss_impairment(loss, concealed))


def loss_impairment(loss: float, concealed: bool) -> float:
    """Ie,eff of G.711 with this part of packets lost (G.107 clause 7.5)."""
    percent = 100 * min(max(loss, 0.0), 1.0)
    bpl = BPL_CONCEALED if concealed else BPL_SILENT
    return _IE + (95 - _IE) * percent / (percent + bpl)


def delay_impairment(delay_ms: float) -> float:
    """Idd of a one-way delay (G.107 clause 7.4); 0 up to 100 ms."""
    if delay_ms <= _DELAY_HARMLESS_MS:
        return 0.0
    x = math.log2(delay_ms / _DELAY_HARMLESS_MS)
    near = math.pow(1 + x**6, 1 / 6)
    far = 3 * math.pow(1 + (x / 3) ** 6, 1 / 6)
    return 25 * (near - far + 2)


def mos_of(r: float) -> float:
    """MOS of a rating R (G.107 Annex B)."""
    if r <= 0:
        return 1.0
    if r >= 100:  # noqa: PLR2004
        return 4.5
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)
