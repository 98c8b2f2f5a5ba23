"""Every error of the platform comes out of a process of a pool as it was raised there."""

from __future__ import annotations

import importlib
import inspect
import multiprocessing
import pkgutil
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

import telemed
from telemed.domain.contradictions import Contradiction, Severity
from telemed.domain.errors import FieldError

NOON = datetime(2026, 11, 18, 4, tzinfo=UTC)
FAULT = FieldError("patient.name", "required")
SAMPLES: dict[str, Any] = {
    "str": "text",
    "int": 7,
    "bool": True,
    "int | None": 3,
    "datetime": NOON,
    "datetime | None": NOON,
    "date": NOON.date(),
    "date | None": NOON.date(),
    "tuple[PlacedFault, ...]": (),
    "FieldError": FAULT,
    "tuple[str, ...]": ("ecg", "pdf"),
    "tuple[FieldError, ...]": (FAULT, FAULT),
    "list[LeftOut]": [],
    "Sequence[str]": ("name", "sex"),
    "Sequence[Contradiction]": (Contradiction("positive-normal", Severity.HINT, "", "positive", "normal"),),
    "dict[str, str] | None": {"ETag": '"1.2"'},
    "Any": ["anything"],
}
"""A value of each type that an error is made from."""


def errors() -> Iterator[type[Exception]]:
    """Every exception class that some module of the platform defines."""
    for module in pkgutil.walk_packages(telemed.__path__, "telemed."):
        if module.name.rpartition(".")[2] == "__main__" or ".migrations." in module.name:
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, Exception) and value.__module__ == module.name:
                yield value


def made(error: type[Exception]) -> Exception:
    """One with a value for each parameter."""
    if not inspect.isfunction(error.__init__):
        return error("a sentence")
    values, named = [], {}
    for parameter in list(inspect.signature(error.__init__).parameters.values())[1:]:
        kind = parameter.annotation if isinstance(parameter.annotation, str) else parameter.annotation.__name__
        if parameter.kind is parameter.VAR_KEYWORD:
            named["more"] = SAMPLES[kind]
        elif parameter.kind is parameter.KEYWORD_ONLY:
            named[parameter.name] = SAMPLES[kind]
        else:
            values.append(SAMPLES[kind])
    return error(*values, **named)


@pytest.mark.parametrize("error", sorted(errors(), key=str), ids=lambda error: error.__qualname__)
def test_it_survives_the_way(error: type[Exception]) -> None:
    raised = made(error)
    here, there = multiprocessing.Pipe()
    with here, there:
        there.send(raised)
        caught = here.recv()
    assert type(caught) is error
    assert (str(caught), caught.args, vars(caught)) == (str(raised), raised.args, vars(raised))


def test_the_errors_of_every_room_are_walked() -> None:
    assert {error.__module__.split(".")[1] for error in errors()} >= {"adapters", "centres", "domain", "service", "web"}
