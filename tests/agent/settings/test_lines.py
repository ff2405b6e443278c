from __future__ import annotations

from agent.settings.lines import dotted, find_lines, line_of

TEXT = '''# a comment = not a key
top = 1
[station]
vendor = "a"   # [not.a.header]
"quoted key" = 2
note = """
url = "inside a text"
[station]
"""
a.b = 3

[[connector]]
id = 1
[connector.meter]
unit = 5
[[connector]]
id = 2
[connector.meter]  # of the second
unit = 6
[options.management]
HeartbeatInterval = 300
'''


def test_every_key_has_the_line_it_stands_on() -> None:
    lines = find_lines(TEXT)
    assert lines[("top",)] == 2
    assert lines[("station", "vendor")] == 4
    assert lines[("station", "quoted key")] == 5
    assert lines[("station", "a", "b")] == 10
    assert lines[("connector", 0, "meter", "unit")] == 15
    assert lines[("connector", 1, "id")] == 17
    assert lines[("connector", 1, "meter", "unit")] == 19
    assert lines[("options", "management", "HeartbeatInterval")] == 21


def test_what_stands_in_a_longer_text_is_no_key() -> None:
    assert ("station", "url") not in find_lines(TEXT)


def test_a_value_without_a_line_has_that_of_the_table_around_it() -> None:
    lines = find_lines(TEXT)
    assert line_of(lines, ("connector", 1, "meter", "missing")) == 18
    assert line_of(lines, ("nowhere", "at", "all")) == 0


def test_a_path_is_read_with_positions_from_one() -> None:
    assert dotted(("connector", 1, "meter", "unit")) == "connector[2].meter.unit"
