"""How fast each owner may store: whoever is ahead of its rate waits for its answer, and nothing is refused."""

from __future__ import annotations

_BURST = 2.0  # seconds' worth that may come at once
_MOST_REMEMBERED = 10_000  # owners


class Pace:
    """`rate` is in instances a second for one owner; None is without limit."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._paid_until: dict[str, float] = {}  # on the caller's clock

    def wait(self, owner: str, now: float) -> float:
        """Seconds that the next instance of `owner` has to wait."""
        if self._rate is None:
            return 0.0
        if len(self._paid_until) > _MOST_REMEMBERED:
            self._paid_until = {each: until for each, until in self._paid_until.items() if until > now - _BURST}
        until = max(self._paid_until.get(owner, 0.0), now - _BURST) + 1 / self._rate
        self._paid_until[owner] = until
        return max(0.0, until - now)
