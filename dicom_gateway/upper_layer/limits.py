"""How much of the port one peer may take from the others, and when its time is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from dicom_gateway.upper_layer.states import State


class Timed(Protocol):
    """An association as the clock sees it; moments are on the clock of its loop."""

    @property
    def state(self) -> State:
        """Its state."""
        ...

    @property
    def busy(self) -> bool:
        """True if the peer waits for us."""
        ...

    @property
    def begun(self) -> float:
        """When it was opened, or the object under way began."""
        ...

    @property
    def touched(self) -> float:
        """When a byte last came or went."""
        ...

    @property
    def gathered(self) -> int:
        """Bytes of the object under way."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on the resources that one peer may use, in one process. Times in seconds, rates in instances a second for one owner."""

    associations: int = 256
    associations_per_address: int = 64
    associations_per_title: int = 64
    request: float = 30.0  # from the connection to the whole A-ASSOCIATE-RQ, and to the end after a release (ARTIM)
    idle: float = 600.0  # between two operations
    stalled: float = 60.0  # without a byte inside an operation
    slowest: int = 2048  # bytes a second of an object, once it has taken longer than `stalled`
    rate: float | None = None  # None: as fast as they come

    def allow(self, total: int, of_address: int, of_title: int = 0) -> bool:
        """True if so many associations may be open at once, those of one address and of one calling AE title among them."""
        return total <= self.associations and of_address <= self.associations_per_address and of_title <= self.associations_per_title

    def overdue(self, association: Timed, now: float) -> str:
        """Return why the time of `association` is over; empty where it may go on."""
        quiet, taken = now - association.touched, now - association.begun
        if association.state is State.AWAITING_REQUEST:
            return "no request came in time" if taken > self.request else ""
        if association.state is State.AWAITING_CLOSE:
            return "the connection was not closed in time" if quiet > self.request else ""
        if association.busy or association.state is not State.ESTABLISHED:
            return ""
        if not association.gathered:
            return f"idle for more than {self.idle:g} s" if quiet > self.idle else ""
        if quiet > self.stalled:
            return f"nothing came for {self.stalled:g} s inside an object"
        slow = taken > self.stalled and association.gathered < taken * self.slowest
        return f"slower than {self.slowest} bytes a second" if slow else ""
