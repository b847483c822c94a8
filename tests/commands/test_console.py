"""What all sub-commands share."""

import signal
from pathlib import Path

import pytest

from napari_monuseg import cli
from napari_monuseg.commands.console import (
    Log,
    StoppedError,
    run_with_bar,
    stop_between_steps,
)
from napari_monuseg.core.progress import Progress, Report


def reporting():
    for number in range(3):
        yield Progress(message="no report")
        yield Report(message=f"report {number}")
    return "done"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_job_goes_on_when_its_log_cannot(capsys):
    with Log(Path("/dev/full"), anew=False) as log:
        assert run_with_bar(reporting(), "Training", log) == "done"

    said = capsys.readouterr().err
    assert said.count("cannot be written any more (No space left on device)") == 1


@pytest.mark.parametrize("error", [OSError("is truncated"), RuntimeError("a bug")])
def test_a_mistake_of_the_program_keeps_its_traceback(monkeypatch, error):
    def wrong():
        raise error

    monkeypatch.setattr(cli, "app", wrong)

    with pytest.raises(type(error), match=str(error)):
        cli.main()


def test_a_log_without_a_line_forgets_what_it_said(tmp_path):
    path = tmp_path / "model.log"
    path.write_text("of the model that was there\n")

    with Log(path, anew=True) as log:
        log.begin()

    assert path.read_text() == ""


@pytest.mark.parametrize("anew", [True, False])
def test_a_log_loses_what_it_said_only_to_a_first_line(tmp_path, anew):
    path = tmp_path / "model.log"
    path.write_text("of the model that is there\n")

    with Log(path, anew=anew) as log:
        assert path.read_text() == "of the model that is there\n"
        run_with_bar(reporting(), "Training", log)

    lines = path.read_text().splitlines()
    assert lines[-3:] == ["report 0", "report 1", "report 2"]
    assert len(lines) == (3 if anew else 4)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_waits_for_a_step_and_twice_does_not(capfd):
    closed = []

    def job():
        try:
            for _ in range(3):
                signal.raise_signal(signal.SIGINT)
                closed.append("step done")
                yield Progress(message="step")
        finally:
            closed.append("closed")

    before = signal.getsignal(signal.SIGINT)
    with stop_between_steps() as stopped, pytest.raises(StoppedError):
        run_with_bar(job(), "Training", stopped=stopped)
    assert closed == ["step done", "closed"]
    assert capfd.readouterr().err.count("Stopping after this step") == 1
    assert signal.getsignal(signal.SIGINT) is before

    with stop_between_steps() as stopped:
        signal.raise_signal(signal.SIGINT)
        assert stopped()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_that_is_ignored_stays_so(ctrl_c):
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    with stop_between_steps() as stopped:
        signal.raise_signal(signal.SIGINT)
        assert not stopped()


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PermissionError(13, "Permission denied", "/x/a"), "/x/a may not be read or"),
        (OSError(28, "No space left on device"), "(No space left on device)"),
        (OSError(12, "Cannot allocate memory"), "or batches"),
        (MemoryError(), "not enough memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "or batches"),
    ],
)
def test_what_the_system_refuses_is_one_sentence(monkeypatch, capsys, error, sentence):
    def refused():
        raise error

    monkeypatch.setattr(cli, "app", refused)

    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("napari-monuseg: ")
    assert sentence in said
