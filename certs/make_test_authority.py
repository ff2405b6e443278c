"""Make a throw-away authority with its certificates, to try wss on a desk: never for a station in the field.

From the top folder: `python -m certs.make_test_authority FOLDER [--host NAME] [--station SERIAL --operator NAME]`. It
writes `root.pem` (give it to `stationctl set-primary --trust`), `root.key` (to sign what stations ask for),
`server.pem` and `server.key` (for the backend), and with `--station` also `station.pem` and `station.key` (a client
certificate for security profile 3). Nothing secret lies in this folder: the keys are made anew each time, and a folder
that holds some already is left alone.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.rig.certificates import ROOT, STATION, Wish, issue

NAMES = ("root.pem", "root.key", "server.pem", "server.key")
STATION_NAMES = ("station.pem", "station.key")


def write_authority(folder: Path, host: str, station: str = "", operator: str = "") -> tuple[str, ...]:
    """Write the files, and return their names. Raises FileExistsError rather than replace one."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    present = [name for name in NAMES + STATION_NAMES if (folder / name).exists()]
    if present:
        raise FileExistsError(f"{folder}: holds {', '.join(present)} already; choose another folder or remove them")
    root = issue(replace(ROOT, common_name="stationd test authority"))
    server = issue(Wish(host, names=(host, "127.0.0.1")), root)
    texts = dict(zip(NAMES, (root.pem, root.key_pem, server.pem, server.key_pem), strict=True))
    if station:
        client = issue(replace(STATION, common_name=station, organisation=operator), root)
        texts |= dict(zip(STATION_NAMES, (client.pem, client.key_pem), strict=True))
    for name, text in texts.items():
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="ascii") as stream:
            stream.write(text)
    return tuple(texts)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns 0, or 1 if the folder cannot take the files."""
    parser = argparse.ArgumentParser(description="Make a throw-away authority and certificates for tests.")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where to write")
    parser.add_argument("--host", default="localhost", metavar="NAME", help="name of the server (default localhost)")
    parser.add_argument("--station", default="", metavar="SERIAL", help="also a client certificate for this station")
    parser.add_argument("--operator", default="", metavar="NAME", help="organisation in it, as in CpoName")
    options = parser.parse_args(arguments)
    try:
        names = write_authority(options.folder, options.host, options.station, options.operator)
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{options.folder}: {', '.join(names)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
