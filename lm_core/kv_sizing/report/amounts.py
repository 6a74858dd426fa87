"""Bytes as text: GiB and GB side by side; a small amount is never shown as zero."""

from __future__ import annotations

_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_DECIMAL = ("B", "kB", "MB", "GB", "TB", "PB")


def binary(count: int) -> str:
    """In powers of 1,024.

    >>> binary(2**34), binary(131_072), binary(12)
    ('16.00 GiB', '128.00 KiB', '12 B')
    """
    return _scaled(count, 1024, _BINARY)


def decimal(count: int) -> str:
    """In powers of 1,000.

    >>> decimal(2**34)
    '17.18 GB'
    """
    return _scaled(count, 1000, _DECIMAL)


def gib(count: int) -> str:
    """Always GiB, with as many digits as a small amount needs.

    >>> gib(2**30), gib(18 * 2**20), gib(147_456)
    ('1.00', '0.0176', '0.000137')
    """
    value = count / 2**30
    return f"{value:,.2f}" if value >= 1 or not count else f"{value:.3g}"


def signed(count: int) -> str:
    """GiB, also below zero.

    >>> signed(-(2**30) * 3 // 2), signed(2**29)
    ('−1.50 GiB', '0.50 GiB')
    """
    return f"{'−' if count < 0 else ''}{abs(count) / 2**30:,.2f} GiB"


def both(count: int) -> str:
    """Both ways.

    >>> both(2**30)
    '1.00 GiB (1.07 GB)'
    """
    return f"{binary(count)} ({decimal(count)})"


def _scaled(count: int, base: int, units: tuple[str, ...]) -> str:
    power = 0
    while power < len(units) - 1 and abs(count) >= base ** (power + 1):
        power += 1
    return f"{count} B" if not power else f"{count / base**power:,.2f} {units[power]}"
