"""The wait between polls of an empty queue."""

from random import Random

_SPREAD = 0.2


class RandomizedBackoff:
    """Random exponential back-off between a floor and a cap, as in the storage extension.

    The first wait is the floor; each further wait adds twice as much as the previous one, give or take a fifth,
    up to the cap. A message found since the last wait resets it.

    Args:
        floor: seconds.
        cap: seconds, not below the floor.
        random: source of the spread.
    """

    def __init__(self, floor: float, cap: float, random: Random) -> None:
        self._floor = floor
        self._cap = cap
        self._random = random
        self._exponent = 0

    def next(self, *, found: bool) -> float:
        """Seconds until the next poll.

        Args:
            found: whether a message was found since the last wait.
        """
        if found:
            self._exponent = 0
        wait = self._floor
        if self._exponent:
            spread = self._random.uniform(1 - _SPREAD, 1 + _SPREAD)
            wait += self._floor * spread * 2 ** (self._exponent - 1)
        if wait >= self._cap:
            return self._cap
        self._exponent += 1
        return wait
