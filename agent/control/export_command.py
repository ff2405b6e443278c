"""The command of `stationctl` that shows or exports what an upstream has not got."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping

from agent.control.client import Client
from agent.control.undelivered_export import all_messages, export_csv, export_text


def add_export_command(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add it to a parser by its `add(name, help, show, prepare)`."""
    help_text = "messages that an upstream has not got, waiting and given up; also one that was removed"
    export = add("export", help_text, export_text)
    export.add_argument("upstream", metavar="UPSTREAM", help="its id; one that was removed is kept for ninety days")
    export.add_argument("--csv", action="store_true", help="for a spreadsheet")
    export.add_argument("--with-cards", action="store_true", help="cards in full; take care of what you print")
    export.set_defaults(run=_export)


def _export(client: Client, options: argparse.Namespace, fields: Mapping[str, object]) -> None:
    messages = all_messages(client.call, options.upstream, options.with_cards)
    print(json.dumps(messages, indent=2) if options.json else _shown(messages, options.csv))


def _shown(messages: list[dict[str, object]], as_csv: bool) -> str:
    return export_csv(messages) if as_csv else export_text(messages)
