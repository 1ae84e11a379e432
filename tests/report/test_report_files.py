from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from pytest_reqleak.errors import UsageError
from pytest_reqleak.report import files
from pytest_reqleak.report.files import check_writable, write_text


def entries(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_new_file_can_be_written_and_the_check_leaves_nothing(tmp_path: Path) -> None:
    check_writable(tmp_path / "run.json")

    assert [] == entries(tmp_path)


def test_a_check_leaves_an_old_file_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("old")

    check_writable(tmp_path / "run.json")

    assert "old" == (tmp_path / "run.json").read_text()


@pytest.mark.parametrize("use", [check_writable, lambda path: write_text(path, "new")])
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("missing/run.json", "the folder .*missing does not exist; make it first"),
        ("folder", "it is a folder; name a file inside it"),
        ("file/run.json", "the folder .*file does not exist; make it first"),
        ("nul\0", "null"),
        ("x" * 300, "name too long"),
    ],
)
def test_a_path_that_cannot_be_written_is_refused_in_one_line(
    tmp_path: Path, name: str, why: str, use
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")

    with pytest.raises(UsageError, match=f"(?i)^cannot write .*: .*{why}") as refusal:
        use(os.path.join(tmp_path, name))

    assert "\n" not in str(refusal.value)
    assert ["file", "folder"] == entries(tmp_path)


def test_no_name_at_all_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot write '': the name of the file is empty"):
        check_writable("")


def test_a_folder_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may write everywhere, so the answer of the system is given here.
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.os, "open", refuse)

    with pytest.raises(UsageError, match=r"run\.json': Permission denied"):
        check_writable(tmp_path / "run.json")


def test_a_file_without_permission_is_refused_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run.json").write_text("old")
    monkeypatch.setattr(files.os, "access", lambda path, mode: False)

    with pytest.raises(UsageError, match=r"run\.json': Permission denied"):
        write_text(tmp_path / "run.json", "new")

    assert "old" == (tmp_path / "run.json").read_text()


def test_a_failure_while_writing_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run.json").write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", fail)
    with pytest.raises(UsageError, match="No space left on device"):
        write_text(tmp_path / "run.json", "new")

    assert "old" == (tmp_path / "run.json").read_text()
    assert ["run.json"] == entries(tmp_path)


def test_an_old_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("a longer old text")

    write_text(tmp_path / "run.json", "new")

    assert "new" == (tmp_path / "run.json").read_text()
    assert ["run.json"] == entries(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_a_file_has_the_mode_that_the_umask_or_the_old_file_gives(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    (tmp_path / "shared").write_text("")
    (tmp_path / "shared").chmod(0o664)

    write_text(tmp_path / "new", "")
    write_text(tmp_path / "shared", "")

    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "new", "shared")]
    assert [modes[0], modes[0], 0o664] == modes


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")

    write_text(tmp_path / "link", "new")

    assert (tmp_path / "link").is_symlink()
    assert "new" == (tmp_path / "target").read_text()


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="no such device here")
def test_a_device_is_written_to_and_not_replaced() -> None:
    check_writable("/dev/null")
    write_text("/dev/null", "text")

    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_text_that_utf8_cannot_say_is_escaped(tmp_path: Path) -> None:
    write_text(tmp_path / "run.json", "a\udc80b")

    assert b"a\\udc80b" == (tmp_path / "run.json").read_bytes()
