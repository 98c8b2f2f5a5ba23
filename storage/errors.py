"""Errors of an object store, the same for every backend."""

from __future__ import annotations


class StorageError(Exception):
    """Base of all storage errors. `key` is the object concerned, or empty."""

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key


class BadStoreURL(StorageError, ValueError):
    """The URL given to `open_store` is not one of the forms it knows. The message never repeats a secret."""


class ObjectMissing(StorageError):
    """There is no object under this key."""


class BadKey(StorageError):
    """The key is not of the form that `storage.protocol` describes."""


class StoreFull(StorageError):
    """No space or quota is left; nothing was stored."""


class StoreUnavailable(StorageError):
    """The store cannot be reached or refuses us now; trying again later may help."""


class DamagedObject(StorageError):
    """The bytes that came back are not those that were stored (cut short, or with another digest)."""
