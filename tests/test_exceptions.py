"""Every exception of the libraries survives the way from one process to another: an instance that does not breaks the whole pool
of the process that raised it."""

from __future__ import annotations

import importlib
import inspect
import pickle
import pkgutil
from collections.abc import Iterator
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

PACKAGES = ("dicom_gateway", "storage", "ecg", "lab", "pathology")


def exceptions_of(package: str) -> Iterator[type[BaseException]]:
    """The exception classes that the modules of `package` define."""
    found = importlib.import_module(package)
    for each in pkgutil.walk_packages(found.__path__, f"{package}."):
        if each.name.rpartition(".")[2] != "__main__":
            module = importlib.import_module(each.name)
            for kind in vars(module).values():
                if isinstance(kind, type) and issubclass(kind, BaseException) and kind.__module__ == each.name:
                    yield kind


EXCEPTIONS = [kind for package in PACKAGES for kind in exceptions_of(package)]


def instances(kind: type[BaseException]) -> st.SearchStrategy[BaseException]:
    """Instances as a caller makes them: all arguments by their types, or a sentence where the class takes what any exception does."""
    if "args" in inspect.signature(kind.__init__).parameters:
        return st.builds(kind, st.text())
    hints = get_type_hints(kind.__init__)
    del hints["return"]
    return st.builds(kind, **{name: st.from_type(hint) for name, hint in hints.items()})


def shown(error: BaseException) -> tuple[Any, ...]:
    return type(error), str(error), vars(error)


@pytest.mark.parametrize("kind", EXCEPTIONS, ids=lambda kind: f"{kind.__module__}.{kind.__qualname__}")
@given(data=st.data())
def test_an_exception_says_the_same_in_another_process(kind: type[BaseException], data: st.DataObject) -> None:
    error = data.draw(instances(kind))
    assert shown(pickle.loads(pickle.dumps(error))) == shown(error)  # noqa: S301  # our own bytes


def test_the_walk_finds_them() -> None:
    """Those of every package, and those that have crossed a process boundary."""
    assert {kind.__module__.partition(".")[0] for kind in EXCEPTIONS} == set(PACKAGES)
    assert {"UnreadableDICOM", "PixelError", "StorageError", "UnreadableECG"} <= {kind.__name__ for kind in EXCEPTIONS}
