"""The command: its one line, its signals, its exit codes, and what it says to what is wrong."""

import ctypes
import http.client
import http.server
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from attrs import evolve

from emulator.__main__ import main
from emulator.control import ControlError
from emulator.service import Service
from emulator.snapshots import encode
from emulator.testing import Emulator
from portrait import AuthError, PortraitClient
from portrait.clock import ManualClock
from tests.emulator.web.wire import JSON, address, ask, call, connected, head
from tests.media_samples import audio

COMMAND = [sys.executable, "-W", "error", "-m", "emulator"]
FLAGS = (
    "--host", "--port", "--public-url", "--control-token", "--api-key", "--access-key", "--key-provider",
    "--profile", "--clock", "--review-seconds", "--fetch", "--project", "--seed", "--load", "--verbose",
)  # fmt: skip
CALL_LINE = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ  (\w+) +  (\S+) +  (\w+)  \d+\.\d ms"
GROUP = {"GroupType": "AIGC", "Name": "g"}


def run(*arguments):
    """Runs the command to its end."""
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=30, check=False)


@contextmanager
def serving(*arguments):
    """A running command and its URL; whoever leaves has ended it."""
    process = subprocess.Popen([*COMMAND, "serve", "--port", "0", *arguments], stdout=-1, stderr=-1, text=True)
    try:
        assert select.select([process.stdout], [], [], 30)[0]
        line = process.stdout.readline()
        assert line.startswith("portrait-emulator ready on http://"), process.communicate(timeout=10)
        yield process, line.split()[-1]
    finally:
        process.kill()
        process.communicate(timeout=60)


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_a_signal_ends_it_cleanly(number):
    """One line on stdout, none on stderr for a call, exit code 0; also while a connection is open."""
    with (
        serving() as (process, url),
        socket.create_connection((url.split("/")[2].split(":")[0], int(url.split(":")[-1]))),
    ):
        assert "Id" in call(url, "CreateAssetGroup", GROUP)["Result"]
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize(
    ("token", "lines"), [((), 2), pytest.param(("--control-token", "t"), 1, marks=pytest.mark.slow)]
)
def test_a_host_for_other_machines_says_what_they_need(token, lines):
    """On stderr, before the line of stdout: the client's variable, and the token where none is set."""
    with serving("--host", "0.0.0.0", *token) as (process, _):
        process.send_signal(signal.SIGTERM)
        err = process.communicate(timeout=20)[1]
    assert len(err.splitlines()) == lines
    assert "PORTRAIT_INSECURE_HOSTS" in err
    assert ("--control-token" in err) is not bool(token)


def test_a_port_in_use_is_one_clear_line():
    """Exit code 1, the address that cannot be had, and how to get another one."""
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        ended = run("serve", "--port", str(port))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.count("\n") == 1
    assert f"cannot listen on 127.0.0.1:{port}: the port is taken; --port 0 takes a free one" in ended.stderr


@pytest.mark.slow
def test_a_host_that_is_none_is_one_clear_line():
    """So is a name that no machine can have."""
    ended = run("serve", "--host", "a..b")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.count("\n") == 1
    assert "cannot listen on a..b:8787" in ended.stderr


def test_every_flag_reaches_the_emulator(tmp_path):
    """Keys, projects, links, clock, reviews and a start state, seen from outside."""
    load = tmp_path / "start.json"
    rule = {"id": "slow", "match": {"action": "GetAsset"}, "do": {"error": "Throttled"}}
    load.write_text(json.dumps({"rules": [rule], "customers": {"alice": {"groups": 1}}}))
    flags = (
        "--host 127.0.0.1 --public-url http://emulator.test/ --control-token T --api-key sk-a==alice --api-key sk-b=bob"
        " --access-key AK:SK==alice --profile schema --clock manual --review-seconds 7 --fetch never --project p"
        " --seed 7"
    )
    key = {**JSON, "Authorization": "Bearer sk-a="}
    with serving(*flags.split(), "--load", str(load)) as (_, url):
        answer = call(url, "GetAsset", {"Id": "x"}, key)
        assert answer["ResponseMetadata"]["Error"]["Code"] == "RateLimitExceeded"
        group = call(url, "CreateAssetGroup", {**GROUP, "ProjectName": "p"}, key)["Result"]["Id"]
        assert call(url, "CreateAssetGroup", GROUP, key)["ResponseMetadata"]["Error"]["Code"] == "QuotaExceeded"
        wrong = call(url, "GetAssetGroup", {"Id": group, "ProjectName": "q"}, key)
        assert wrong["ResponseMetadata"]["Error"]["Code"] == "NotFound.ProjectName"
        assert (
            call(url, "GetAsset", {}, {"Authorization": "Bearer nobody"})["ResponseMetadata"]["Error"]["Code"]
            == "Unauthorized"
        )
        link = call(url, "CreateVisualValidateSession", {"CallbackURL": "https://x.example/"}, key)["Result"]["H5Link"]
        assert link.startswith("http://emulator.test/h5/")
        assert ask(url, "GET", "/_emulator/clock", None, {"X-Emulator-Token": "T", "Host": "emulator.test"})[0] == 200


def test_a_snapshot_of_one_process_starts_another(tmp_path):
    """The clock included; the same key finds its group."""
    load = tmp_path / "base.json"
    with serving("--clock", "manual") as (_, url):
        ask(url, "POST", "/_emulator/clock", b'{"advance": 61}', JSON)
        group = call(url, "CreateAssetGroup", GROUP)["Result"]["Id"]
        ask(url, "PUT", "/_emulator/snapshots/base", b"", JSON)
        load.write_bytes(ask(url, "GET", "/_emulator/snapshots/base")[2])
    with serving("--clock", "manual", "--load", str(load)) as (_, url):
        found = call(url, "GetAssetGroup", {"Id": group})["Result"]
        assert (found["Id"], found["CreateTime"]) == (group, "2026-03-18T00:01:01Z")
        assert json.loads(ask(url, "GET", "/_emulator/clock")[2])["now"] == "2026-03-18T00:01:01Z"


def test_verbose_tells_of_each_call():
    """A line per call on stderr, also of refused ones."""
    with serving("--verbose", "--api-key", "sk-hidden=alice") as (process, url):
        key = {**JSON, "Authorization": "Bearer sk-hidden"}
        call(url, "CreateAssetGroup", GROUP, key)
        call(url, "GetAsset", {"Id": "x"}, key)
        ask(url, "POST", "/v1/portrait/?Action=GetAsset", b"{}", {**JSON, "Authorization": "Bearer wrong"})
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
    assert out == ""
    assert [re.fullmatch(CALL_LINE, line).groups() for line in err.splitlines()] == [
        ("CreateAssetGroup", "alice", "ok"),
        ("GetAsset", "alice", "Forbidden"),
        ("GetAsset", "-", "Unauthorized"),
    ]


SIGNED = {"provider": "volcengine", "access_key": "AKLT1", "secret_key": "hush", "clock": ManualClock()}


def test_a_customer_of_two_keys():
    """A Bearer key and a pair of keys lead to the same groups; another secret leads nowhere."""
    flags = ("--api-key", "sk-1=alice", "--access-key", "AKLT1:hush=alice", "--clock", "manual")
    with serving(*flags) as (_, url):
        with PortraitClient(api_key="sk-1", base_url=f"{url}/v1") as bearer:
            group = bearer.create_asset_group(name="n")
        with PortraitClient(base_url=url, **SIGNED) as signed:
            assert signed.get_asset_group(id=group.id).name == "n"
        with (
            PortraitClient(base_url=url, **{**SIGNED, "secret_key": "other"}) as wrong,
            pytest.raises(AuthError) as info,
        ):
            wrong.get_asset_group(id=group.id)
    assert (info.value.code, info.value.http_status) == ("SignatureDoesNotMatch", 401)


@pytest.mark.slow
def test_the_published_pair():
    """It works where no pair is configured; temporary credentials are taken, too."""
    with serving() as (_, url):
        pair = {"access_key": "AKLTEMULATOR", "secret_key": "emulator-secret", "session_token": "T"}
        for provider in ("volcengine", "byteplus"):
            with PortraitClient(base_url=url, provider=provider, **pair) as client:
                assert client.list_asset_groups().items == ()


def test_a_key_stands_for_a_provider(capsys):
    """It signs for that provider's region and no other; a name of no provider ends the start."""
    with serving("--access-key", "AKLT1:hush=alice", "--key-provider", "AKLT1=byteplus") as (_, url):
        with PortraitClient(base_url=url, **SIGNED | {"provider": "byteplus"}) as client:
            assert client.list_asset_groups().items == ()
        with PortraitClient(base_url=url, **SIGNED) as client, pytest.raises(AuthError, match="InvalidCredential"):
            client.list_asset_groups()
    with pytest.raises(SystemExit, match="2"):
        main(["serve", "--key-provider", "AKLT1=nobody"])
    assert "providers are alltoken" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="names a thread of another process, as Linux can")
def test_a_signal_that_another_thread_is_handed_ends_it():
    """The system chooses the thread; the main one must not sleep on."""
    with serving() as (process, url):
        assert ask(url, "GET", "/_emulator/health")[0] == 200
        threads = {int(path.name) for path in Path(f"/proc/{process.pid}/task").iterdir()} - {process.pid}
        assert ctypes.CDLL(None).tgkill(process.pid, max(threads), signal.SIGTERM) == 0
        assert process.wait(10) == 0


@pytest.mark.slow
def test_nobody_has_to_read_what_verbose_tells():
    """Calls are answered on after stderr was closed at its other end."""
    with serving("--verbose") as (process, url):
        process.stderr.close()
        for _ in range(3):
            assert "Id" in call(url, "CreateAssetGroup", GROUP)["Result"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("streams", [">&- 2>/dev/full", ">/dev/full 2>&-"])
def test_nobody_has_to_read_its_lines(streams):
    """Closed or full, stdout and stderr end nothing: calls are answered, and a signal ends it with 0."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = ["serve", "--host", "0.0.0.0", "--port", str(port), "--verbose"]
    command = ["sh", "-c", f'exec "$@" {streams}', "sh", *COMMAND, *arguments]
    with subprocess.Popen(command) as process:
        try:
            _until_open(process, port)
            assert "Id" in call(f"http://127.0.0.1:{port}", "CreateAssetGroup", GROUP)["Result"]
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()


def _until_open(process, port):
    """Wait until a process listens on a port, or has ended."""
    deadline = time.monotonic() + 30
    while process.returncode is None and time.monotonic() < deadline:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
    raise AssertionError(f"it does not listen; exit code {process.poll()}")


@pytest.mark.slow
def test_a_reader_that_is_slow_keeps_no_call_waiting():
    """A full pipe behind stderr holds up neither calls nor the end."""
    with serving("--verbose") as (process, url):
        connection = http.client.HTTPConnection(*address(url), timeout=10)
        for _ in range(2_000):
            connection.request("POST", "/v1/portrait/?Action=GetAsset", b"{}", JSON)
            connection.getresponse().read()
        connection.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@contextmanager
def trickling():
    """A server whose files come a byte at a time, and never end; its URL."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        ended = threading.Event()

        def send(sock):
            with sock, suppress(OSError):
                sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                while not ended.wait(0.05):
                    sock.sendall(b"x")

        def accept():
            with suppress(OSError):
                while True:
                    threading.Thread(target=send, args=(listener.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/a.png"
        ended.set()


@pytest.mark.slow
def test_slow_downloads_hold_up_neither_calls_nor_the_end():
    """emulator-slow: the ninth call is answered; SIGTERM ends it within 2 s, an hour's delay and connections or not."""
    with trickling() as file, serving() as (process, url), ExitStack() as stack:
        group = call(url, "CreateAssetGroup", GROUP)["Result"]["Id"]
        body = json.dumps({"GroupId": group, "URL": file, "AssetType": "Image"}).encode()
        for _ in range(8):
            sock = stack.enter_context(connected(url))
            sock.sendall(head("/v1/portrait/?Action=CreateAsset", Content_Length=str(len(body))) + body)
        delayed = stack.enter_context(connected(url))
        rule = '{"do": {"delay": 3600}}'
        delayed.sendall(head(Content_Length="2", X_Emulator_Rule=rule) + b"{}")
        assert call(url, "GetAssetGroup", {"Id": group})["Result"]["Id"] == group
        elsewhere = {"GroupId": group, "URL": "http://127.0.0.1:9/a.png", "AssetType": "Image"}
        assert call(url, "CreateAsset", elsewhere)["ResponseMetadata"]["Error"]["Code"].endswith("DownloadFailed")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0  # the downloads would hold it for half a minute


@contextmanager
def offering(content):
    """A server with one file; its URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            """Nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/a"
        server.shutdown()
        thread.join()


def children_of(pid):
    """The processes that a process has started."""
    lists = (path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    return [int(child) for each in lists for child in each.split()]


@pytest.mark.skipif(sys.platform != "linux", reason="stops the child of another process, which Linux names")
def test_a_measurement_that_hangs_holds_up_neither_calls_nor_the_end():
    """emulator-slow: meanwhile `health` is answered at once; SIGTERM ends it, and what measures, within 2 s."""
    with offering(audio()) as file, serving() as (process, url), ExitStack() as stack:
        asset = {"GroupId": call(url, "CreateAssetGroup", GROUP)["Result"]["Id"], "URL": file, "AssetType": "Audio"}
        assert "Id" in call(url, "CreateAsset", asset)["Result"]
        (child,) = children_of(process.pid)
        os.kill(child, signal.SIGSTOP)
        body = json.dumps(asset).encode()
        for _ in range(4):
            sock = stack.enter_context(connected(url))
            sock.sendall(head("/v1/portrait/?Action=CreateAsset", Content_Length=str(len(body))) + body)
        started = time.clock_gettime(clock := ~process.pid << 3 | 2)  # Linux: what another process has computed
        for _ in range(20):
            before = time.clock_gettime(clock)
            assert ask(url, "GET", "/_emulator/health")[0] == 200
            assert time.clock_gettime(clock) - before < 0.05
        assert time.clock_gettime(clock) - started < 0.5
        assert not select.select([sock], [], [], 0)[0], "the files are measured still"
        process.send_signal(signal.SIGTERM)
        assert process.wait(2) == 0
        assert not Path(f"/proc/{child}").exists()


@pytest.mark.slow
def test_a_large_snapshot_that_is_read_does_not_hold_up_the_end(tmp_path):
    """emulator-slow: SIGTERM ends it within 2 s in the midst of writing 100,000 assets as JSON."""
    emulator = Emulator()
    client = emulator.client()
    client.create_asset(group_id=client.create_asset_group(name="g").id, url="https://x.example/a", asset_type="Image")
    small = emulator.snapshot()
    (asset,) = small.contents.assets
    assets = tuple(evolve(asset, id=f"asset-{number}", number=number, due=None) for number in range(10, 100_010))
    start = tmp_path / "start.json"
    start.write_bytes(encode(evolve(small, contents=evolve(small.contents, assets=assets, numbers=100_010))))
    with serving("--clock", "manual", "--load", str(start)) as (process, url), connected(url) as sock:
        ask(url, "PUT", "/_emulator/snapshots/all", b"", JSON)
        sock.sendall(head("/_emulator/snapshots/all", "GET"))
        assert not select.select([sock], [], [], 0.05)[0], "it is written still"
        process.send_signal(signal.SIGTERM)
        assert process.wait(2) == 0


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--clock", "sundial"], "--clock"), (["--clock", "scaled:0"], "--clock"),
        (["--clock", "scaled:1e12"], "at most 1000000"), (["--review-seconds", "1e300"], "at most"),
        (["--api-key", "key"], "--api-key takes"),
        (["--access-key", "ak=c"], "--access-key takes"), (["--port", "70000"], "65535"),
        (["--port", "x"], "--port: a port is a number from 0 to 65535"),
        (["--review-seconds", "-1"], "--review-seconds"), (["--profile", "x"], "--profile"), (["--nope"], "--nope"),
        (["--load", "/nowhere.json"], "--load"), (["--fetch", "x"], "--fetch"),
        (["--review-seconds", "nan"], "seconds are a number, 0 or more"),
        (["--review-seconds", "soon"], "seconds are a number, 0 or more"), (["--port", "-1"], "from 0 to 65535"),
        (["--control-token", ""], "the control token is empty"), (["--project", ""], "a project has an empty name"),
        (["--public-url", "emulator:8787"], "the public URL 'emulator:8787' is not an absolute http or https address"),
        (["--public-url", "http://e.test/?a=1"], "has a query or a fragment"),
        (["--api-key", "k=alice", "--api-key", "k=bob"], "--api-key has one key twice"),
        (["--access-key", "a:s=me", "--access-key", "a:t=me"], "--access-key has one key twice"),
        (["--key-provider", "k=apimart", "--key-provider", "k=gccai"], "--key-provider has one key twice"),
    ],
)  # fmt: skip
def test_what_is_told_wrong_is_said(capsys, arguments, why):
    """emulator-scaled: exit code 2, and a line that names the flag."""
    with pytest.raises(SystemExit) as ended:
        main(["serve", *arguments])
    assert ended.value.code == 2
    assert why in capsys.readouterr().err


def test_a_start_file_that_is_none_is_said(tmp_path):
    """emulator-scaled: exit code 2 and one line; nothing is served."""
    path = tmp_path / "start.json"
    path.write_text('{"rules": [1]}')
    ended = run("serve", "--port", "0", "--load", str(path))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"portrait-emulator: --load {path}: a rule must be an object; GET /_emulator/snap")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is not JSON at line 1, column 1"),
        (b'{\n "rules": [,', "it is not JSON at line 2, column 12"),
        (b"\xff", "it is not JSON, which is text in UTF-8"),
        (b"[" * 100_000, "its JSON is nested too deeply"),
    ],
)
def test_a_start_file_that_is_no_json_ends_the_command(tmp_path, capsys, content, why):
    """Before anything is set up, in one line that says where a file of the kind comes from."""
    path = tmp_path / "start.json"
    path.write_bytes(content)
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--load", str(path)])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith(f"portrait-emulator: --load {path}: {why}; GET /_emulator/snapshots/NAME answers such")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "why"),
    [("none.json", "No such file or directory"), (".", "Is a directory"), ("-", "it takes a file; /dev/stdin is")],
)
def test_a_start_file_that_cannot_be_read_is_said_in_plain_words(tmp_path, capsys, monkeypatch, name, why):
    """Not in Python's."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--load", name])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(f"portrait-emulator: --load {name}: {why}")


@pytest.mark.parametrize(
    "content",
    ["[]", '{"colour": 1}', '{"rules": {}}', '{"rules": [1]}', '{"rules": [{}]}', '{"customers": {"a": 1}}',
     '{"customers": {"a": {"groups": "many"}}}', '{"customers": {"": {}}}',
     f'{{"customers": {{"a": {{"groups": {10**30}}}}}}}', f'{{"customers": {{"a": {{"balance": {10**400}}}}}}}',
     '{"customers": {"a": {"balance": 1e400}}}', '{"customers": {"\\ud800": {}}}',
     f'{{"rules": [{{"do": {{"delay": {10**400}}}}}]}}', '{"rules": [{"do": {"lag": 1e300}}]}'],
)  # fmt: skip
def test_a_start_state_with_a_wrong_value_is_refused(content):
    """Of any JSON that the file may hold."""
    with pytest.raises(ControlError):
        Service(clock=ManualClock()).control.load_state(json.loads(content))


def test_help_and_version():
    """Without a command there is help; every flag of `serve` is explained."""
    assert run().stdout == run("--help").stdout
    output = run("serve", "--help").stdout
    for flag in FLAGS:
        assert flag in output
    assert "a handle of the key" in " ".join(output.split())
    assert run("--version").stdout.startswith("portrait-emulator ")


def test_a_start_loads_nothing_that_waits_for_a_request():
    """Templates, forms, pictures and S3 are imported when they are needed."""
    code = "import sys, emulator.server; print([name for name in sys.argv[1:] if name in sys.modules])"
    late = ["jinja2", "python_multipart", "PIL", "av", "boto3", "urllib3", "rich"]
    output = subprocess.run([sys.executable, "-c", code, *late], capture_output=True, text=True, check=True, timeout=60)
    assert output.stdout == "[]\n"
