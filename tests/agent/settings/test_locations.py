from __future__ import annotations

import argparse

from agent.settings.locations import Locations, add_options, from_options


def test_every_place_is_movable_and_has_a_default() -> None:
    parser = argparse.ArgumentParser()
    add_options(parser)
    assert from_options(parser.parse_args([])) == Locations()
    moves = {"factory": "f", "settings": "s", "state": "t", "run": "r", "boot-id": "b", "crash-limit": "0"}
    moved = parser.parse_args([f"--{name}={value}" for name, value in moves.items()])
    assert from_options(moved) == Locations("f", "s", "t", "r")
    assert (moved.boot_id, moved.crash_limit) == ("b", 0)


def test_the_socket_and_the_reboot_request_lie_in_the_run_folder() -> None:
    locations = Locations(run="/x")
    assert locations.socket == "/x/control.socket"
    assert locations.reboot_request == "/x/reboot-request"
