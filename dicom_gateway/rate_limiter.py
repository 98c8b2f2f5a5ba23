"""Limits on how often something may happen for one key: an owner, an address."""

from __future__ import annotations

_ROUNDING = 1e-6  # seconds; what floating point makes of a wait that is none


class RateLimiter:
    """A token bucket for each key. `rate` is in events a second (None: without limit), `burst` the seconds' worth that may come at
    once. Of more than `max_keys` the one that was used least recently is forgotten. Times are seconds on any one clock."""

    def __init__(self, rate: float | None, burst: float, max_keys: int = 10_000) -> None:
        self._interval = 0.0 if rate is None else 1 / rate
        self._burst = burst
        self._max_keys = max_keys
        self._paid_until: dict[str, float] = {}  # least recently used first

    def reserve(self, key: str, now: float) -> float:
        """Count one event and return the seconds by which it has to be put off; nothing is refused."""
        if not self._interval:
            return 0.0
        until = self._next(key, now)
        self._paid_until.pop(key, None)
        self._paid_until[key] = until
        if len(self._paid_until) > self._max_keys:
            del self._paid_until[next(iter(self._paid_until))]
        return until - now if until - now > _ROUNDING else 0.0

    def acquire(self, key: str, now: float) -> float:
        """Count one event if it may happen now and return 0; otherwise count nothing and return the seconds until it may."""
        wait = self._next(key, now) - now if self._interval else 0.0
        return wait if wait > _ROUNDING else self.reserve(key, now)

    def _next(self, key: str, now: float) -> float:
        """Return until when `key` has used up its rate after one more event."""
        full = now - self._burst
        return max(self._paid_until.get(key, full), full) + self._interval
