"""Waits of the pages, in seconds, with their reasons. Those of the components stand in their shared/timers.js."""

STALE = 3.0
"""After a change of the address: a message with an older address is old news by then, not a step back."""
QUIET = 2.0
"""Between two changes of the address where one change follows the other, as in a playing run."""
