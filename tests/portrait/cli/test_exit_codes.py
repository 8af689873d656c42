"""How a command ends when something comes between: interrupts, closed pipes, faults of the network, and our own."""

import io
import os
import shlex
import subprocess
import sys

import pytest

from portrait.cli import main
from portrait.cli.context import Context
from portrait.transports.urllib3_transport import Urllib3Transport


def test_an_interrupt_ends_with_130_and_a_way_on(portrait, emulator, asset):
    """The ids that are still open are in the sentence."""

    def interrupt(seconds):
        raise KeyboardInterrupt

    emulator.clock.sleep = interrupt
    ran = portrait("wait", asset)
    assert ran.code == 130
    assert f"`portrait wait {asset}` goes on" in ran.err


def test_an_interrupted_put_goes_on_when_it_is_given_again(portrait, emulator, picture):
    """Nothing is sent twice."""
    files = [picture(f"{number}.jpg", 400 + number) for number in range(3)]
    sleep = emulator.clock.sleep

    def interrupt(seconds):
        raise KeyboardInterrupt

    emulator.clock.sleep = interrupt
    ran = portrait("put", *files, "--group", "brand")
    assert ran.code == 130
    assert "0 of 3 files Active, 3 still in review." in ran.err
    assert "The same command goes on" in ran.err
    emulator.clock.sleep = sleep
    assert portrait("put", *files, "--group", "brand").code == 0
    assert emulator.calls.count("CreateAsset") == 3


def test_a_call_that_was_interrupted_may_have_executed(portrait, monkeypatch):
    """And that is said."""

    def interrupt(self, request):
        raise KeyboardInterrupt

    monkeypatch.setattr(Urllib3Transport, "send", interrupt)
    ran = portrait("call", "CreateAssetGroup", '{"Name": "x"}')
    assert ran.code == 130
    assert "CreateAssetGroup may have executed" in ran.err


class Closed(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, text):
        """Nobody reads it."""
        raise BrokenPipeError


@pytest.mark.parametrize("argv", [["groups"], ["groups", "--table"]])
def test_a_closed_pipe_is_no_fault_of_ours(portrait, group, argv):
    """141, as the shell counts SIGPIPE, and not a word."""
    err = io.StringIO()
    assert main(argv, portrait.console(io.StringIO(), Closed(), err)) == 141
    assert err.getvalue() == ""


def test_a_process_whose_reader_has_gone_is_silent(portrait, group):
    """Nor does the interpreter complain at its end."""
    assert group
    read_end, write_end = os.pipe()
    os.close(read_end)
    with open(write_end, "wb") as closed_pipe:  # noqa: PTH123  (a descriptor)
        ran = subprocess.run(
            [sys.executable, "-c", "import sys; from portrait.cli import main; sys.exit(main(['groups']))"],
            env={**os.environ, **portrait.environ},
            stdout=closed_pipe,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    assert ran.stderr == b""
    assert ran.returncode == 141


@pytest.mark.parametrize("argv", [["groups", "--quiet"], ["show", "hosts"]])
def test_a_full_disk_under_stdout_is_one_clear_line(portrait, group, argv):
    """Exit code 4, since whoever reads the output does not know the outcome."""
    assert group
    err = io.StringIO()
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123  (a descriptor)
        assert main(argv, portrait.console(io.StringIO(), full, err)) == 4
    assert err.getvalue() == NOT_WRITTEN


@pytest.mark.parametrize("argv", [["groups"], ["--help"], ["help", "put"], ["--version"]])
def test_a_process_under_whose_stdout_the_disk_is_full_says_that_alone(portrait, group, argv):
    """Nor does the interpreter complain at its end."""
    assert group
    with open("/dev/full", "wb") as full:  # noqa: PTH123  (a descriptor)
        ran = subprocess.run(
            [sys.executable, "-c", "import sys; from portrait.cli import main; sys.exit(main())", *argv],
            env={**os.environ, **portrait.environ},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert (ran.returncode, ran.stderr) == (4, NOT_WRITTEN)


@pytest.mark.parametrize(
    ("closed", "argv", "code"), [("1", ["groups"], 0), ("2", ["show", "x"], 2), ("0", ["rm", "hosts"], 2)]
)
def test_a_stream_that_was_closed_before_the_start_is_empty(portrait, group, closed, argv, code):
    """As by `>&-` of a shell, or in a service without streams; the exit code tells all."""
    assert group
    command = [sys.executable, "-c", "import sys; from portrait.cli import main; sys.exit(main())", *argv]
    shell = f"exec {closed}>&-; {shlex.join(command)}"
    ran = subprocess.run(
        ["/bin/sh", "-c", shell],
        env={**os.environ, **portrait.environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == code, ran.stderr
    assert "unexpected" not in ran.stderr


def test_a_put_that_cannot_tell_goes_on_when_it_is_given_again(portrait, emulator, picture):
    """What was created is found by the next run."""
    err = io.StringIO()
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123  (a descriptor)
        argv = ["put", picture("a.jpg"), "--group", "brand"]
        assert main(argv, portrait.console(io.StringIO(), full, err)) == 4
    assert "The same command goes on where this one stopped" in err.getvalue()
    assert portrait(*argv).rows[0]["origin"] == "existing"
    assert emulator.calls.count("CreateAsset") == 1


def test_a_full_disk_under_stderr_leaves_the_exit_code(portrait):
    """There is nobody to tell."""
    with open("/dev/full", "wb") as full:  # noqa: PTH123  (a descriptor)
        ran = subprocess.run(
            [sys.executable, "-c", "import sys; from portrait.cli import main; sys.exit(main())", "show", "nobody"],
            env={**os.environ, **portrait.environ},
            stdout=subprocess.PIPE,
            stderr=full,
            check=False,
            timeout=60,
        )
    assert ran.returncode == 2


NOT_WRITTEN = (
    "portrait: the output cannot be written: No space left on device.\n"
    "  → Nothing was changed; the same command starts anew.\n"
)


def test_no_connection_is_4(portrait):
    """With where to look."""
    ran = portrait("doctor", PORTRAIT_BASE_URL="http://127.0.0.1:1/v1")
    assert ran.code == 4
    ran = portrait("show", "asset-1", PORTRAIT_BASE_URL="http://127.0.0.1:1/v1")
    assert ran.code == 4
    assert "portrait doctor" in ran.err


def test_a_lost_answer_to_a_create_is_4_and_in_doubt(portrait, emulator):
    """Nobody knows, and that is said."""
    emulator.rules.add(match={"action": "CreateAssetGroup"}, do={"close": "after-commit"})
    ran = portrait("call", "CreateAssetGroup", '{"Name": "x", "GroupType": "AIGC"}')
    assert ran.code == 4
    assert "may have been carried out" in ran.err


@pytest.mark.parametrize("argv", [["groups"], ["assets"], ["show", "asset-1"], ["wait", "asset-1"]])
def test_without_a_key_nothing_is_tried(portrait, emulator, argv):
    """Exit code 2, and the variable to set."""
    ran = portrait(*argv, PORTRAIT_API_KEY="")
    assert ran.code == 2
    assert "Set PORTRAIT_API_KEY or ALLTOKEN_API_KEY." in ran.err
    assert emulator.calls.all() == []


def test_one_providers_key_is_not_sent_to_another(portrait):
    """`ALLTOKEN_API_KEY` stays at home."""
    ran = portrait(
        "groups", PORTRAIT_API_KEY="", ALLTOKEN_API_KEY="sk-home", PORTRAIT_BASE_URL="https://elsewhere.example/v1"
    )
    assert ran.code == 2
    assert "sk-home" not in ran.err


def broken(context):
    """A fault of our own."""
    raise RuntimeError("sk-secret")


def test_a_fault_of_our_own_is_calm_and_tells_no_secret(portrait, monkeypatch):
    """No traceback, and nothing of the message, which may hold anything."""
    monkeypatch.setattr(Context, "client", property(broken))
    ran = portrait("groups")
    assert ran.code == 1
    assert "unexpected RuntimeError" in ran.err
    assert "PORTRAIT_DEBUG=1" in ran.err
    assert "sk-secret" not in ran.err


def test_a_traceback_by_wish(portrait, monkeypatch):
    """For those who mend it."""
    monkeypatch.setattr(Context, "client", property(broken))
    assert "Traceback" in portrait("groups", PORTRAIT_DEBUG="1").err
    assert "Traceback" not in portrait("groups", PORTRAIT_DEBUG="0").err


class Foreign(BaseException):
    """Something that is no `Exception`, from whatever runs the command."""


@pytest.mark.parametrize(
    "ending", [Foreign("sk-secret"), GeneratorExit(), RecursionError("sk-secret"), StopIteration()]
)
def test_whatever_ends_a_command_has_an_exit_code(portrait, monkeypatch, ending):
    """No row of its own in the table is no traceback."""

    def end(context):
        raise ending

    monkeypatch.setattr(Context, "client", property(end))
    ran = portrait("groups")
    assert ran.code == 1
    assert f"unexpected {type(ending).__name__}" in ran.err
    assert "sk-secret" not in ran.err


def test_an_exit_goes_through(portrait, monkeypatch):
    """As from a handler of SIGTERM: whoever raised it has chosen the code."""

    def end(context):
        raise SystemExit(143)

    monkeypatch.setattr(Context, "client", property(end))
    with pytest.raises(SystemExit, match="143"):
        portrait("groups")
