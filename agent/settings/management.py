"""`[management]` of the factory file: the backend of the manufacturer or owner, fixed for the life of the unit."""

from __future__ import annotations

from dataclasses import dataclass

from agent.settings.addresses import SYSTEM_TRUST, SecurityProfile, UpstreamAddress
from agent.settings.fields import Check, Table
from agent.settings.problems import Complaint
from agent.settings.uplinks import check_interface, check_proxy, check_proxy_login
from agent.settings.validate import check_address, check_identity, check_name, check_password, check_url
from agent.vocabulary.ids import MANAGEMENT, Secret

_LONGEST_PATH = 255
_IN_A_FILE = Secret("in-a:file")
"""Stands for a secret that is not read yet; it satisfies the grammar of every one."""


@dataclass(frozen=True, slots=True)
class ManagementFiles:
    """Names of files beside the factory file; empty: the factory file says it itself, or it is not given."""

    password: str = ""
    proxy_login: str = ""


def read_management(table: Table) -> tuple[UpstreamAddress, ManagementFiles]:
    """The section as an upstream. Paths in it are as they were written."""
    password, password_file = _secret(table, "password", check_password)
    login, login_file = _secret(table, "proxy_login", check_proxy_login)
    address = UpstreamAddress(
        id=MANAGEMENT,
        name=table.text("name", default="Management", check=check_name),
        url=table.text("url", check=check_url),
        identity=table.text("identity", check=check_identity),
        security=SecurityProfile(table.integer("security", 0, max(SecurityProfile), default=0)),
        password=password,
        trust=table.text("trust", default=SYSTEM_TRUST, longest=_LONGEST_PATH),
        certificate=table.text("certificate", default="", longest=_LONGEST_PATH),
        key=table.text("key", default="", longest=_LONGEST_PATH),
        interface=table.text("interface", default="", check=check_interface),
        proxy=table.text("proxy", default="", check=check_proxy),
        proxy_login=login,
    )
    if address.url and address.identity:
        for field, complaint in _not_yet_told(address):
            table.complain(field, complaint.message, complaint.remedy)
    table.finish()
    return address, ManagementFiles(password_file, login_file)


def _secret(table: Table, name: str, check: Check) -> tuple[Secret | None, str]:
    """A secret that is given here or by the name of a file, and that name."""
    text = table.text(name, default="", check=check)
    file = table.text(f"{name}_file", default="", longest=_LONGEST_PATH)
    if text and file:
        table.complain(f"{name}_file", f"is given beside {name}", "keep one of the two")
    return Secret(text) if text else _IN_A_FILE if file else None, file


def _not_yet_told(address: UpstreamAddress) -> tuple[tuple[str, Complaint], ...]:
    """What is wrong with the fields together; the grammar of each alone has been judged with its line already."""
    alone = {
        "url": check_url(address.url),
        "identity": check_identity(address.identity),
        "password": check_password(address.password.reveal()) if address.password else None,
        "interface": check_interface(address.interface) if address.interface else None,
        "proxy": check_proxy(address.proxy) if address.proxy else None,
        "proxy_login": check_proxy_login(address.proxy_login.reveal()) if address.proxy_login else None,
    }
    return tuple(
        (problem.field, Complaint(problem.message, problem.remedy))
        for problem in check_address(address)
        if alone.get(problem.field) is None
    )
