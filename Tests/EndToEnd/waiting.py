"""Waiting for something to become true, with a bound.

The machine may be busy, so bounds are generous, and nothing sleeps for a fixed time.
"""

import time

# Bounds how long anything may take that has no bound of its own in what is tested.
PATIENCE = 60.0


def eventually(condition, what, within=PATIENCE, every=0.05):
    """Returns the first true value of `condition()`; fails with `what` and the last value when there is none in time."""
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {within:g} s: {what} (last seen: {value!r})")
        time.sleep(every)
