"""`stationctl`: what somebody with a shell on the station can see and do. It only talks to the control socket."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agent.control.card_commands import add_card_commands
from agent.control.client import AgentAbsentError, Client, CommandRefusedError
from agent.control.export_command import add_export_command
from agent.control.operator_commands import UsageError, add_operator_commands
from agent.control.reboot_command import add_reboot_command
from agent.control.receipts_csv import receipts_csv, undelivered
from agent.control.session_pages import all_sessions
from agent.control.sessions_export import sessions_csv, sessions_json
from agent.control.station_time import local_ms, local_text
from agent.control.tables import security_log_text, sessions_text, status_text, undelivered_text, upstreams_text
from agent.control.why import add_on_site_commands
from agent.settings.locations import Locations

EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_ABSENT = 3

_SOCKET = Locations().socket


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns 0, 1 (refused by the agent), 2 (bad usage) or 3 (the agent does not answer)."""
    options = _parser().parse_args(arguments)
    try:
        fields = options.prepare(options)
        with Client(options.socket) as client:
            options.run(client, options, fields)
    except UsageError as error:
        return _fail(str(error), EXIT_USAGE)
    except CommandRefusedError as error:
        return _fail("\n".join(f"refused: {problem}" for problem in error.problems), EXIT_REFUSED)
    except AgentAbsentError as error:
        return _fail(str(error), EXIT_ABSENT)
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    return 0


def _run(client: Client, options: argparse.Namespace, fields: Mapping[str, object]) -> None:
    result = client.call(getattr(options, "asks", options.command), **fields)
    _print(json.dumps(result, indent=2) if options.json else options.show(result))


def _watch(client: Client, options: argparse.Namespace, fields: Mapping[str, object]) -> None:
    for result in client.watch(options.interval):
        _print(json.dumps(result) if options.json else "\x1b[H\x1b[2J" + status_text(result), flush=True)


def _show_sessions(client: Client, options: argparse.Namespace, fields: Mapping[str, object]) -> None:
    _print(options.show(all_sessions(client.call, fields, options.limit)))


def _show_receipts(client: Client, options: argparse.Namespace, fields: Mapping[str, object]) -> None:
    sessions = client.call("sessions", **fields)
    _print(json.dumps(undelivered(sessions), indent=2) if options.json else options.show(sessions))


def _print(text: str, flush: bool = False) -> None:
    print(text, flush=flush)


def _fail(text: str, code: int) -> int:
    print(text, file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--socket", metavar="PATH", default=_SOCKET, help=f"control socket (default {_SOCKET})")
    common.add_argument("--json", action="store_true", help="print the answer as JSON")
    parser = argparse.ArgumentParser(prog="stationctl", description="Look at and control the charging station.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(
        name: str, help_text: str, show: Callable[[Any], str], prepare: Prepare = _nothing
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, parents=[common], help=help_text, description=help_text)
        command.set_defaults(run=_run, show=show, prepare=prepare)
        return command

    add("status", "connectors, power, limits, upstreams and what waits for them", status_text)
    watch = add("watch", "status again and again, until Ctrl-C", status_text)
    watch.set_defaults(run=_watch)
    watch.add_argument("--interval", metavar="SECONDS", type=float, default=1.0, help="between two looks (default 1)")
    _add_sessions(add("sessions", "sessions of the last twelve months, newest first", sessions_text, _wanted))
    forget = add("delete-sessions", "delete sessions that are delivered, for good", _deleted, _deletion)
    forget.add_argument("--before", metavar="DATE", required=True, help="those that started before, as 2026-11-21")
    forget.add_argument("--yes", action="store_true", help="do not ask for the word")
    receipts = add("receipts", "sessions that an upstream has not got whole", undelivered_text, _limit)
    receipts.set_defaults(run=_show_receipts)
    receipts.add_argument("--limit", metavar="N", type=int, default=1000, help="of so many sessions (default 1000)")
    receipts.add_argument("--csv", dest="show", action="store_const", const=receipts_csv, help="for a spreadsheet")
    add_export_command(add)
    add("upstreams", "management, the primary and further operators: role, state, what waits", upstreams_text)
    add_operator_commands(add)
    add_card_commands(add)
    add("discard-pending", "forget a staged change", _told("Nothing is staged now."))
    add_reboot_command(add)
    again = add("reoffer", "try messages again that were given up", _reoffered, _upstream)
    again.add_argument("upstream", metavar="UPSTREAM", nargs="?", default="", help="id of one upstream (default: all)")
    add_on_site_commands(add)
    log = add("security-log", "the newest security events, and whether the log is whole", security_log_text, _limit)
    log.add_argument("--limit", metavar="N", type=int, default=50, help="how many (default 50)")
    add("clear-security-log", "drop the lines of the security log; the log says that this was done", _told("Cleared."))
    add("dump", "write the last inputs to the state folder, for the manufacturer", lambda result: f"Written: {result}")
    return parser


def _add_sessions(command: argparse.ArgumentParser) -> None:
    command.set_defaults(run=_show_sessions)
    command.add_argument(
        "--since", metavar="DATE", help="started on this date or later, as 2026-11-21 (station's time)"
    )
    command.add_argument("--until", metavar="DATE", help="started before this date or time, as 2026-11-21T18:00")
    command.add_argument("--connector", metavar="ID", type=int, help="of one connector")
    command.add_argument("--limit", metavar="N", type=_count, help="how many (default 20; exports: all)")
    command.add_argument("--csv", action="store_true", help="all of them for a spreadsheet")


Prepare = Callable[[argparse.Namespace], Mapping[str, object]]


def _nothing(options: argparse.Namespace) -> Mapping[str, object]:
    return {}


def _told(text: str) -> Callable[[Any], str]:
    return lambda result: text


def _limit(options: argparse.Namespace) -> Mapping[str, object]:
    return {"limit": options.limit}


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise ValueError
    return count


def _wanted(options: argparse.Namespace) -> Mapping[str, object]:
    """The filters that are given; and how what comes is shown: all of it in an export."""
    if options.csv or options.json:
        options.show = sessions_csv if options.csv else sessions_json
    elif options.limit is None:
        options.limit = 20
    given = {
        "since_ms": _date("since", options.since),
        "until_ms": _date("until", options.until),
        "connector": options.connector,
    }
    return {name: value for name, value in given.items() if value is not None}


def _date(option: str, text: str | None) -> int | None:
    try:
        return None if text is None else local_ms(text)
    except ValueError as error:
        raise UsageError(f"--{option}: {error}") from None


def _deletion(options: argparse.Namespace) -> Mapping[str, object]:
    before_ms = _date("before", options.before)
    word = "delete" if options.yes else None
    if word is None and sys.stdin.isatty():
        word = input(f'Type "delete" to delete all sessions before {local_text(before_ms or 0)}: ')
    if word is None:
        raise UsageError("--yes: is missing; nobody is there to type the word")
    return {"before_ms": before_ms, "word": word}


def _deleted(result: Mapping[str, int]) -> str:
    kept = result.get("kept") or 0
    stay = f"; {kept} stay, since they run or an upstream has not got them whole" if kept else ""
    return f"{result.get('removed')} sessions deleted{stay}."


def _upstream(options: argparse.Namespace) -> Mapping[str, object]:
    return {"upstream": options.upstream}


def _reoffered(result: Mapping[str, int]) -> str:
    return "\n".join(f"{upstream}: {count} messages" for upstream, count in result.items())


if __name__ == "__main__":
    sys.exit(main())
