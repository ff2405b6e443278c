"""The commands of `stationctl` that change which upstreams there are. All of them are staged for the next boot."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from agent.control.tables import NEXT_BOOT as NEXT_BOOT
from agent.control.tables import catalogue_text, staged_text
from agent.settings.settings import FITTING


class UsageError(Exception):
    """Something on the command line (a file, mostly) that cannot be used; told before anything is asked."""


def add_operator_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the commands to a parser by its `add(name, help, show, prepare)`."""
    add("catalogue", "backoffices that can be set by name", catalogue_text)
    _add_address(add("set-primary", "stage a primary backoffice, which is then Billing", staged_text, _address))
    operator = add("add-operator", "stage a further operator (Data & Control), at most four", staged_text, _address)
    _add_address(operator, named=True)
    help_text = "stage the removal of the primary: management is then Billing"
    remove = add("remove-primary", help_text, staged_text, _removal)
    remove.add_argument("word", metavar="delete", nargs="?", help='the word "delete"; asked for if not given')
    leave = add("remove-operator", "stage the removal of a further operator; the others stay", staged_text, _leaving)
    leave.add_argument("operator", metavar="NAME", help="its name or id, as stationctl upstreams shows it")
    leave.add_argument("word", metavar="delete", nargs="?", help='the word "delete"; asked for if not given')
    help_text = "stage which upstream is Billing: it alone authorises cards and owns transactions"
    billing = add("set-billing", help_text, staged_text, _chosen)
    billing.add_argument("upstream", metavar="NAME", help="name or id of a listed upstream, or management")


def _add_address(command: argparse.ArgumentParser, named: bool = False) -> None:
    """How to reach an upstream; `named`: it must be given a name."""
    help_text = "ws://host/path or wss://host/path, without the identity; or a name of stationctl catalogue"
    command.add_argument("url", metavar="URL|NAME", help=help_text)
    command.add_argument("--identity", metavar="ID", required=True, help="Chargebox Identity, as the operator knows it")
    of_itself = "" if named else " (default: the identity)"
    command.add_argument("--name", metavar="NAME", required=named, default="", help=f"name for people{of_itself}")
    command.add_argument(
        "--security",
        metavar="N",
        type=int,
        help="0 = ws, 1 = ws + password, 2 = wss + password, 3 = wss + client certificate (default: by what is given)",
    )
    command.add_argument("--trust", metavar="system|FILE", default="system", help="PEM file of the only roots to trust")
    password = command.add_mutually_exclusive_group()
    password.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    password.add_argument("--password-file", metavar="FILE", help="read the password from a file")
    command.add_argument(
        "--certificate", metavar="FILE", help="PEM file of the station's certificate, its chain behind"
    )
    command.add_argument("--key", metavar="FILE", help="PEM file of the private key of that certificate")
    command.add_argument("--interface", metavar="NAME", default="", help="network interface to leave by, such as wwan0")
    command.add_argument("--proxy", metavar="URL", default="", help="HTTP proxy to ask for a tunnel: http://host:port")
    command.add_argument("--proxy-login-file", metavar="FILE", help="file with user:password for that proxy")


def _chosen(options: argparse.Namespace) -> Mapping[str, object]:
    return {"upstream": options.upstream}


def _removal(options: argparse.Namespace) -> Mapping[str, object]:
    return {"word": _word(options, "the primary", "stationctl remove-primary delete")}


def _leaving(options: argparse.Namespace) -> Mapping[str, object]:
    command = f"stationctl remove-operator {options.operator!r} delete"
    return {"operator": options.operator, "word": _word(options, options.operator, command)}


def _word(options: argparse.Namespace, what: str, command: str) -> str:
    word: str | None = options.word
    if word is None and sys.stdin.isatty():
        word = input(f'Type "delete" to remove {what}: ')
    if word is None:
        raise UsageError(f"word: is missing; write {command}")
    return word


def _address(options: argparse.Namespace) -> Mapping[str, object]:
    password = ""
    if options.password_stdin:
        password = sys.stdin.readline().removesuffix("\n")
    elif options.password_file:
        password = _content("password-file", options.password_file).removesuffix("\n")
    trust = "" if options.trust == "system" else _content("trust", options.trust)
    return {
        "url": options.url,
        "identity": options.identity,
        "name": options.name,
        "security": _security(options, password),
        "password": password,
        "trust_pem": trust,
        **_further(options),
    }


def _security(options: argparse.Namespace, password: str) -> int:
    """What was asked for, or else what fits the rest."""
    if options.security is not None:
        return int(options.security)
    if options.certificate:
        return 3
    if "://" not in options.url:
        return FITTING
    return 2 if options.url.lower().startswith("wss:") else 1 if password else 0


def _further(options: argparse.Namespace) -> Mapping[str, object]:
    """What only some upstreams have; left out where it is not given."""
    login = options.proxy_login_file
    fields = {
        "certificate_pem": _content("certificate", options.certificate) if options.certificate else "",
        "key_pem": _content("key", options.key) if options.key else "",
        "interface": options.interface,
        "proxy": options.proxy,
        "proxy_login": _content("proxy-login-file", login).removesuffix("\n") if login else "",
    }
    return {name: value for name, value in fields.items() if value}


def _content(option: str, file: str) -> str:
    try:
        return Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--{option}: {file} cannot be read ({error}); give a text file that you may read") from None
