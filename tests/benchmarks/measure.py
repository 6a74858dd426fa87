"""Times actions in turns and prints the ratio to a peer."""

import statistics
import time
from collections.abc import Callable

ROUNDS = 5


def table(rows: list[tuple[str, float, str, float, str]]) -> None:
    """Prints name, our median, unit, the peer's median, what is claimed."""
    for name, ours, unit, peer, claim in rows:
        ratio = f"{peer / ours:6.2f}x" if peer else "      -"
        against = f"{peer:9.1f}" if peer else "        -"
        print(f"{name:46} {ours:9.1f} {against} {unit:9} {ratio}  {claim}", flush=True)


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def medians(*actions: Callable[[], object]) -> list[float]:
    """Median seconds of each action over the rounds, taken in turns so that noise hits all alike."""
    taken = [[seconds(action) for action in actions] for _ in range(ROUNDS)]
    return [statistics.median(column) for column in zip(*taken)]
