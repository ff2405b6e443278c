"""Make a throw-away authority and a server certificate, to try wss on a desk: never for a station in the field.

From the top folder: `python -m certs.make_test_authority FOLDER [--host NAME]`. It writes `root.pem` (give it to
`stationctl set-primary --trust`), `server.pem` and `server.key` (for the backend). Nothing secret lies in this folder:
the keys are made anew each time, and a folder that holds some already is left alone.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.rig.certificates import make_authority

NAMES = ("root.pem", "server.pem", "server.key")


def write_authority(folder: Path, host: str) -> None:
    """Write the three files. Raises FileExistsError rather than replace one."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    present = [name for name in NAMES if (folder / name).exists()]
    if present:
        raise FileExistsError(f"{folder}: holds {', '.join(present)} already; choose another folder or remove them")
    authority = make_authority("stationd test authority", host)
    for name, text in zip(NAMES, (authority.root_pem, authority.server_pem, authority.server_key_pem), strict=True):
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="ascii") as stream:
            stream.write(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns 0, or 1 if the folder cannot take the files."""
    parser = argparse.ArgumentParser(description="Make a throw-away authority and a server certificate for tests.")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where to write")
    parser.add_argument("--host", default="localhost", metavar="NAME", help="name of the server (default localhost)")
    options = parser.parse_args(arguments)
    try:
        write_authority(options.folder, options.host)
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{options.folder}: {', '.join(NAMES)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
