"""The errors this package raises on purpose; every message is written for the person at the screen.

    LmCoreError
    ├── InvalidInput        a value outside its allowed range (also a ValueError)
    │   └── PromptError     text that cannot be given to a model as it stands
    ├── Busy                too many ask at once
    └── ModelUnavailable    a model that is not installed, or whose file cannot be read
        └── DamagedFile     the file is there, but its content is broken

A message names the parameter, what is allowed and what came, or what is missing and
the one command that mends it. Whatever else a caller sees is a defect of ours.
"""

import math
import operator
from collections.abc import Callable
from typing import SupportsFloat


class LmCoreError(Exception):
    """Root of all errors a user can cause; `str(error)` is one sentence fit for the screen."""


class InvalidInput(LmCoreError, ValueError):
    """A parameter is outside its allowed range.

    >>> raise InvalidInput("temperature", "a number >= 0", -1.0)
    Traceback (most recent call last):
    ...
    lm_core.errors.InvalidInput: `temperature` must be a number >= 0, but is -1.0.
    """

    def __init__(self, parameter: str, allowed: str, value: object) -> None:
        shown = repr(value)
        if len(shown) > 60:
            shown = f"{shown[:57]}..."
        super().__init__(f"`{parameter}` must be {allowed}, but is {shown}.")
        self.parameter = parameter
        self.allowed = allowed
        self.value = value


class PromptError(InvalidInput):
    """A text that cannot become token ids, such as an empty one."""


class Busy(LmCoreError):
    """A shared server has more to do than it takes on; nothing is lost, the same request may be made again.

    >>> str(Busy("The model has 64 requests waiting."))
    'The model has 64 requests waiting. Nothing is lost: try again in a few seconds.'
    """

    def __init__(self, why: str) -> None:
        super().__init__(f"{why} Nothing is lost: try again in a few seconds.")


class ModelUnavailable(LmCoreError):
    """A model is not here; the message ends with the command or action that brings it.

    >>> str(ModelUnavailable("The model is absent.", remedy="pip install it"))
    'The model is absent. To fix this: pip install it'
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what} To fix this: {remedy}")
        self.what = what
        self.remedy = remedy


class DamagedFile(ModelUnavailable):
    """A model file is present but is not what it should be."""


def whole_number(parameter: str, value: object, low: int, high: int | None = None) -> int:
    """Returns `value` as an int, or raises InvalidInput; True, 2.0 and "2" are not whole numbers here.

    >>> whole_number("n", 3, low=1, high=5)
    3
    """
    allowed = f"a whole number from {low} to {high}" if high is not None else f"a whole number >= {low}"
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise InvalidInput(parameter, allowed, value)
    number = operator.index(value)
    if number < low or (high is not None and number > high):
        raise InvalidInput(parameter, allowed, number)
    return number


def real_number(parameter: str, value: object, allowed: str, test: Callable[[float], bool]) -> float:
    """Returns `value` as a float if it is a number that passes the test; nan passes none.

    >>> real_number("p", 0.5, "a number from 0 to 1", lambda p: 0 <= p <= 1)
    0.5
    """
    if isinstance(value, SupportsFloat) and not isinstance(value, bool | str):
        number = float(value)
        if not math.isnan(number) and test(number):
            return number
    raise InvalidInput(parameter, allowed, value)
