"""How long to wait between polls of a queue that is empty."""

from random import Random

_SPREAD = 0.2


class RandomizedBackoff:
    """Random exponential back-off between a floor and a cap, as the storage extension does it.

    The first wait is the floor; each further one adds twice as much as the one before did, give or take a
    fifth; the cap ends it. A message found since the last wait starts it over.

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
        """Seconds to wait now.

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
