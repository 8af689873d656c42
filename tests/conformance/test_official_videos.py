"""Videos by clients of others, of whose code only host, key and placeholders are changed.

BytePlus's typed runtime with the vendor's own example, and the AI SDK's provider from npm.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.wire.client import Customer

NODE = Path(__file__).parent / "node"
MODEL = "dreamina-seedance-2-0-260128"
REFERENCE = {"type": "image_url", "role": "reference_image"}


@pytest.fixture(scope="module")
def studio(start: Any) -> Any:
    """A server on which time passes where a program asks too early."""
    return start("--clock", "auto")


@pytest.fixture
def me(studio: Any) -> Customer:
    """A customer of its own."""
    customer: Customer = studio.server.customer()
    return customer


@pytest.fixture
def asset(me: Customer) -> str:
    """The address of an Active asset."""
    found = me.asset(me.group())
    while me.call("GetAsset", {"Id": found}).result["Status"] != "Active":
        pass
    return f"asset://{found}"


class Runtime:
    """The typed runtime in one colour, with blocking manners."""

    def __init__(self, name: str, url: str, key: str, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self.module = importlib.import_module("byteplussdkarkruntime")
        self.errors = importlib.import_module("byteplussdkarkruntime._exceptions")
        self._client = getattr(self.module, name)(base_url=f"{url}/api/v3", api_key=key, max_retries=0)
        self._run = run

    def call(self, name: str, **arguments: Any) -> Any:
        """What an operation on tasks returns."""

        async def run() -> Any:
            value = getattr(self._client.content_generation.tasks, name)(**arguments)
            return await value if inspect.isawaitable(value) else value

        return self._run(run())

    def close(self) -> None:
        """Give the connections back."""

        async def run() -> None:
            value = self._client.close()
            if inspect.isawaitable(value):
                await value

        self._run(run())


@pytest.fixture(params=["Ark", "AsyncArk"])
def tasks(request: pytest.FixtureRequest, studio: Any, me: Customer) -> Any:
    """The runtime, whose loop has a thread of its own: the tests of the browser leave one running in this one."""
    with ThreadPoolExecutor(1) as thread:
        runner = asyncio.Runner()
        runtime = Runtime(request.param, studio.url, me.key, lambda work: thread.submit(runner.run, work).result())
        yield runtime
        runtime.close()
        thread.submit(runner.close).result()


def picture(address: str) -> dict[str, Any]:
    """A reference."""
    return {**REFERENCE, "image_url": {"url": address}}


def test_a_video_from_an_asset(tasks: Runtime, asset: str) -> None:
    """Created, read until it is made, listed by its id, fetched and deleted."""
    content = [{"type": "text", "text": "She waves."}, picture(asset)]
    created = tasks.call(
        "create", model=MODEL, content=content, ratio="16:9", duration=5, resolution="720p", return_last_frame=True
    )
    while (task := tasks.call("get", task_id=created.id)).status in {"queued", "running"}:
        pass
    assert (task.status, task.model, task.duration, task.ratio) == ("succeeded", MODEL, 5, "16:9")
    assert task.usage.completion_tokens >= 1
    assert requests.get(task.content.video_url, timeout=10).content[4:8] == b"ftyp"
    assert requests.get(task.content.last_frame_url, timeout=10).content.startswith(b"\x89PNG")
    page = tasks.call("list", page_num=1, page_size=10, status="succeeded", task_ids=[created.id, "cgt-none"])
    assert ([item.id for item in page.items], page.total) == ([created.id], 1)
    tasks.call("delete", task_id=created.id)
    with pytest.raises(tasks.errors.ArkNotFoundError):
        tasks.call("get", task_id=created.id)


def test_a_video_in_the_queue_is_cancelled(tasks: Runtime) -> None:
    """By the same call that deletes a finished one."""
    created = tasks.call("create", model=MODEL, content=[{"type": "text", "text": "x"}])
    tasks.call("delete", task_id=created.id)
    assert tasks.call("get", task_id=created.id).status == "cancelled"


def test_a_refusal_has_code_and_param(tasks: Runtime) -> None:
    """As the runtime's own error."""
    with pytest.raises(tasks.errors.ArkBadRequestError, match="asset asset-1 is not found") as error:
        tasks.call("create", model=MODEL, content=[picture("asset://asset-1")])
    assert (error.value.code, error.value.param) == ("InvalidParameter", "content[0].image_url.url")


def test_the_vendors_own_example_runs(studio: Any, me: Customer, asset: str) -> None:
    """Each step of it, with an asset in the place of a picture's address."""
    examples = importlib.import_module("byteplussdkexamples")
    folder = Path(next(iter(examples.__path__))) / "byteplussdkarkruntime"
    program = (folder / "content_generation_tasks.py").read_text(encoding="utf-8")
    for placeholder, value in (
        ("Ark()", f"Ark(base_url='{studio.url}/api/v3')"),
        ("${YOUR_MODEL_EP}", MODEL),
        ("ep-20251209175451-tctqz", MODEL),
        ("${YOUR_IMAGE_URL}", asset),
    ):
        assert placeholder in program
        program = program.replace(placeholder, value)
    environment = {"PATH": os.environ["PATH"], "ARK_API_KEY": me.key}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "failed to delete" not in done.stdout
    assert (done.stdout.count("cgt-") >= 8, "service_tier='flex'" in done.stdout) == (True, True)


@pytest.fixture(scope="session")
def node() -> Path:
    """A folder with the packages from npm beside the programs; they are kept with the environment."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    folder = Path(sys.prefix) / "node"
    folder.mkdir(exist_ok=True)
    for source in NODE.iterdir():
        shutil.copy(source, folder)
    if not (folder / "node_modules").exists():
        command = ["npm", "install", "--no-audit", "--no-fund", "--fetch-retries", "1", "--prefix", str(folder)]
        # Node brings certificates of its own; a registry behind a company's proxy is known to the system's alone.
        environment = {"NODE_EXTRA_CA_CERTS": ssl.get_default_verify_paths().cafile or "", **os.environ}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode != 0:
            pytest.skip(f"npm cannot install the packages: {done.stderr.strip()[-200:]}")
    return folder


def generate(node: Path, url: str, key: str, asset: str) -> dict[str, Any]:
    """What the AI SDK's program prints."""
    environment = {"PATH": os.environ["PATH"], "ARK_API_KEY": key}
    command = ["node", str(node / "generate_video.mjs"), url, asset]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


def test_the_ai_sdk_generates_a_video(node: Path, studio: Any, me: Customer, asset: str) -> None:
    """From an asset to the bytes of an MP4, without a warning."""
    found = generate(node, studio.url, me.key, asset)
    assert bytes(found["begin"]) == b"ftyp"
    assert (found["mediaType"], found["warnings"]) == ("video/mp4", [])
    assert found["metadata"]["taskId"].startswith("cgt-")
    assert found["metadata"]["usage"]["completion_tokens"] >= 1


def test_the_ai_sdk_reads_a_refusal(node: Path, studio: Any, me: Customer) -> None:
    """The service's sentence is the error's message."""
    found = generate(node, studio.url, me.key, "asset://asset-1")
    assert (found["name"], found["status"]) == ("AI_APICallError", 400)
    assert "The specified asset asset-1 is not found." in found["message"]
