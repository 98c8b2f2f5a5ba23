"""The parts that the DIMSE services share, and the way from an association's thread to the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from dicom_gateway.commitment import Commitments
from dicom_gateway.dimse.store_scu import Readable
from dicom_gateway.index import Index
from dicom_gateway.intake import Received, Source
from dicom_gateway.mpps import PerformedSteps
from dicom_gateway.policy import Destinations, Worklist
from dicom_gateway.stability import StudyWatch

ANSWER_WITHIN = 120.0  # seconds for one piece of work on the loop

T = TypeVar("T")

# Who stores one file; done when that is durable.
Keep = Callable[[bytearray, str, Source], Coroutine[Any, Any, Received]]


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """One for a server; `loop` is the one on which everything here is used."""

    index: Index
    keep: Keep
    ae_title: str
    destinations: Destinations | None
    worklist: Worklist | None
    steps: PerformedSteps
    watch: StudyWatch
    commitments: Commitments
    readable: Readable
    loop: asyncio.AbstractEventLoop

    def begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run `work` on the loop, beside the association's thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the loop and wait for it here, in the association's thread. Raises `TimeoutError` after `ANSWER_WITHIN`."""
        future = self.begin(work)
        try:
            return future.result(ANSWER_WITHIN)
        except TimeoutError:
            future.cancel()
            raise
