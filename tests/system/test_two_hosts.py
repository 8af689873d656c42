"""An application and an emulator on two hosts, which are two network namespaces: what the compose example relies on."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
NAMESPACES = ["unshare", "--map-root-user", "--net", "--mount"]
# The first argument is a file of hosts, the others are the command to run on the application's host.
TWO_HOSTS = """
server=
unshare --net sleep 60 & other=$!
trap 'kill $other $server' EXIT
while [ "$(readlink /proc/$other/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
ip link add to-emulator type veth peer name to-application netns $other
ip addr add 10.9.0.2/24 dev to-emulator
ip link set to-emulator up
nsenter --target $other --net ip addr add 10.9.0.1/24 dev to-application
nsenter --target $other --net ip link set to-application up
mount --bind "$1" /etc/hosts
exec 3< <(exec nsenter --target $other --net \
    portrait-emulator serve --host 0.0.0.0 --control-token for-tests-only --review-seconds 0)
server=$!
read -r _ <&3
shift
"$@"
"""


def may_make_namespaces():
    """Whether this machine has the tools and lets an ordinary user do that."""
    if not all(map(shutil.which, ("unshare", "nsenter", "ip", "bash", "curl"))):
        return False
    script = "ip link add probe0 type veth peer name probe1 && mount --bind /etc/hosts /etc/hosts"
    return (
        subprocess.run([*NAMESPACES, "sh", "-c", script], capture_output=True, check=False, timeout=60).returncode == 0
    )


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not may_make_namespaces(), reason="needs Linux with network namespaces for users"),
]


@pytest.fixture
def run(tmp_path):
    """Runs a command on the application's host; the emulator is on the host `emulator`."""
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost\n10.9.0.1 emulator\n")

    def run(*command, **variables):
        environment = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
        environment |= {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "PORTRAIT_BASE_URL": "http://emulator:8787/v1",
            "XDG_STATE_HOME": str(tmp_path),
        }
        return subprocess.run(
            [*NAMESPACES, "bash", "-euc", TWO_HOSTS, "bash", str(hosts), *command],
            env=environment | variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def test_the_name_of_the_host_is_all_that_the_application_needs(run):
    """`PORTRAIT_INSECURE_HOSTS=emulator` alone lets a key go there; without it nothing is sent."""
    create = """portrait call CreateAssetGroup '{"GroupType": "AIGC", "Name": "hosts"}'"""
    done = run("sh", "-c", f"{create} || PORTRAIT_INSECURE_HOSTS=emulator {create}", PORTRAIT_API_KEY="any-key")
    assert done.returncode == 0, done.stderr
    assert "insecure_hosts= or PORTRAIT_INSECURE_HOSTS" in done.stderr
    assert '"group-' in done.stdout


def test_the_control_plane_asks_for_its_token(run):
    """From another host the control plane needs the header, and says so."""
    ask = "curl -sS http://emulator:8787/_emulator/health"
    done = run("sh", "-c", f"{ask}; {ask} -H 'X-Emulator-Token: for-tests-only'")
    refusal, _, answer = done.stdout.partition("{\n")
    assert "start the emulator with --control-token" in refusal
    assert '"status": "ok"' in answer
