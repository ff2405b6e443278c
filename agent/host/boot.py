"""Which boot of the system this is: settings apply, and transactions end differently, when it changes."""

from __future__ import annotations

from pathlib import Path

KERNEL_BOOT_ID = "/proc/sys/kernel/random/boot_id"


class BootIdError(RuntimeError):
    """The boot id is neither given nor readable."""


def boot_id(given: str, kernel_file: str = KERNEL_BOOT_ID) -> str:
    """The id of this boot, in one form: small letters, digits, no hyphens.

    `given` is the option `--boot-id` (systemd's `%b` has no hyphens, the kernel's file has some). A hardened unit hides
    the kernel's file, so the unit passes the option. Raises BootIdError with what to do.
    """
    text = given
    if not text:
        try:
            text = Path(kernel_file).read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise BootIdError(f"{kernel_file} cannot be read ({error}); pass --boot-id=%b in the unit") from None
    normal = text.strip().replace("-", "").lower()
    if not normal or len(normal) > 64 or not (normal.isascii() and normal.isalnum()):
        shown = ascii(text.strip()[:70])
        raise BootIdError(f"--boot-id: {shown} is no boot id; use 1 to 64 letters and digits")
    return normal
