"""A `put` that is killed again and again, and what must be true in the end."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter

from portrait.ensure import parse_digest


class Victim:
    """The command in a process of its own, with the environment of a user.

    Args:
        environ: That environment.
        words: What the command is told.
    """

    def __init__(self, environ, *words):
        command = [sys.executable, "-m", "tests.portrait.cli.put_process", *words]
        self.process = subprocess.Popen(
            command, env={**os.environ, **environ}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def end(self, timeout=30):
        """Wait for its end: exit code, stdout, stderr."""
        out, err = self.process.communicate(timeout=timeout)
        return self.process.returncode, out, err


def kill_at_random(environ, words, created, *, total, rounds, seed):
    """Start the command `rounds` times and kill it each time a random number of creates later, then let it end.

    `created` tells how many creates the service has carried out.
    """
    chance = random.Random(seed)
    killed = 0
    for number in range(rounds):
        victim = Victim(environ, *words)
        more = max(1, (total - created()) // (rounds - number))
        until = created() + chance.randint(0, more)
        while victim.process.poll() is None and created() < until:
            threading.Event().wait(0.001)
        threading.Event().wait(chance.random() * 0.02)
        victim.process.send_signal(signal.SIGKILL)
        killed += victim.end()[0] == -signal.SIGKILL
    assert killed
    code, out, err = Victim(environ, *words).end()
    assert code == 0, err
    return out


def assert_one_each(client, count):
    """One group, one asset for each content, all Active."""
    assert len(list(client.iter_asset_groups())) == 1
    assets = list(client.iter_assets())
    assert set(Counter(parse_digest(asset.name) for asset in assets).values()) == {1}
    assert len(assets) == count
    assert {str(asset.status) for asset in assets} == {"Active"}
