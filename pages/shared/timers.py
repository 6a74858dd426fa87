"""Every wait of the pages and their components, with its reason. Python reads it here, components as `timers`.

A browser may be given other values as `globalThis.timers` before the page loads; tests do, where the wait is not
what they are about.
"""

import json

STALE = 3.0
"""Seconds after a change of the address in which a message with an older address is old news, not a step back."""
QUIET = 2.0
"""Seconds between two changes of the address where one change follows the other, as in a playing run."""

COMPONENTS = {
    "left": 5_000,  # after a click on a link: by then the next page is there, and what was drawn before it is gone
    "lost": 5_000,  # an answer to the prompt box that is lost must not silence the box
    "listen": 250,  # between two looks of the box at whether the server still listens
    "blur": 200,  # after which leaving the box counts as leaving the text as it is
    "idle": 2_000,  # without a key, after which a text counts as finished
    "settle": 400,  # after the last key on the slider: a key held down is one change
    "rest": 120,  # after the last change of a bar: what only a resting hand can read is written then
    "tick": 350,  # between two pictures of a playing training run
    "resend": 8_000,  # a lost answer to an act must not stop a play for good
    "scene": 1_000,  # a scene asked for while the line was cut is asked for again
    "look": 25,  # between two looks at whether the next scene is drawn
    "transition": 3_500,  # a browser ends a transition after four seconds by itself
    "download": 10_000,  # after which the memory of a file that was saved is given back
}
"""Milliseconds."""


def script() -> str:
    """What a component's JavaScript begins with."""
    return f"const timers = {{ ...{json.dumps(COMPONENTS)}, ...globalThis.timers }};\n"
