"""What can go wrong in the store, each with a sentence that a person can act on."""

from __future__ import annotations


class StoreError(Exception):
    """A read or a commit failed; nothing of it is half-written. The message says what and why."""


class DamagedStore(StoreError):
    """The file is no database any more, or fails its check. `Store.open` salvages it."""


class NewerStore(StoreError):
    """The file was written by a release that this one cannot read; it is left untouched."""
