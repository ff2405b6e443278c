"""Where everything lies; every place can be moved by an option of the command line."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

FACTORY = "/etc/stationd/factory.toml"
SETTINGS = "/var/lib/stationd/settings"
STATE = "/var/lib/stationd"
RUN = "/run/stationd"
CATALOGUE = "/usr/share/stationd/catalogue.toml"


@dataclass(frozen=True, slots=True)
class Locations:
    """The places of the agent, and the two files that others look for."""

    factory: str = FACTORY
    """Factory file: read only, written by the manufacturer."""
    settings: str = SETTINGS
    """Folder of the installer's settings and of the passwords."""
    state: str = STATE
    """Folder of the database and of what must survive a reboot."""
    run: str = RUN
    """Folder that is empty after a reboot: control socket, reboot request, switch-off frames."""
    catalogue: str = CATALOGUE
    """Backoffices that the image knows: read only."""

    @property
    def socket(self) -> str:
        """The control socket that `stationctl` and the page talk to."""
        return f"{self.run}/control.socket"

    @property
    def reboot_request(self) -> str:
        """The file whose appearance makes the system reboot."""
        return f"{self.run}/reboot-request"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that move things, and those of the boot, to the parser of the agent."""
    parser.add_argument("--factory", metavar="FILE", default=FACTORY, help=f"factory file (default {FACTORY})")
    parser.add_argument(
        "--settings", metavar="FOLDER", default=SETTINGS, help=f"installer settings (default {SETTINGS})"
    )
    parser.add_argument("--state", metavar="FOLDER", default=STATE, help=f"database and counters (default {STATE})")
    parser.add_argument("--run", metavar="FOLDER", default=RUN, help=f"socket and requests (default {RUN})")
    parser.add_argument(
        "--catalogue", metavar="FILE", default=CATALOGUE, help=f"known backoffices (default {CATALOGUE})"
    )
    parser.add_argument(
        "--boot-id", metavar="ID", default="", help="id of this boot of the system (default: the kernel's)"
    )
    parser.add_argument(
        "--crash-limit",
        metavar="N",
        type=int,
        default=3,
        help="crashes within ten minutes that lead to safe mode; 0 = never (default 3)",
    )


def from_options(options: argparse.Namespace) -> Locations:
    """The places that a parsed command line names."""
    return Locations(options.factory, options.settings, options.state, options.run, options.catalogue)
