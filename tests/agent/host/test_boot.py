from __future__ import annotations

from pathlib import Path

import pytest

from agent.host.boot import BootIdError, boot_id


def test_the_option_and_the_kernels_file_give_one_form(tmp_path: Path) -> None:
    (tmp_path / "id").write_text("0F1E2D3C-0000-1111-2222-333344445555\n")
    read = boot_id("", str(tmp_path / "id"))
    assert read == boot_id("0f1e2d3c00001111222233334444" + "5555") == "0f1e2d3c000011112222333344445555"


def test_without_either_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BootIdError, match="--boot-id=%b"):
        boot_id("", str(tmp_path / "none"))


@pytest.mark.parametrize("given", ["-", "a b", "x" * 65, 'a"\n', "../.."])
def test_what_is_no_id_is_refused(given: str) -> None:
    with pytest.raises(BootIdError, match="--boot-id"):
        boot_id(given)
