"""What the store is asked every few minutes, beside its work."""

from __future__ import annotations

from agent.runtime.writer import Writer
from agent.settings.settings import Settings
from agent.store.store import Store


async def keep_time(writer: Writer, settings: Settings, wall_ms: int) -> None:
    """Note the wall time for the next boot, and let what is kept for removed upstreams grow older. Raises StoreError.

    While the settings cannot be read nobody knows who was removed.
    """
    configured = [address.id for address in settings.upstreams]

    def keep(store: Store) -> None:
        store.mark_time(wall_ms)
        if settings.usable:
            store.archive.age_removed(configured, wall_ms)

    await writer.ask(keep)
