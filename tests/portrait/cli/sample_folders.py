"""Folders as people have them: good files, bad ones, and ones that are no files at all."""

import os

from tests.media_samples import TEXT, image

GOOD = 50


def make_mixed(folder):
    """60 names: 50 good files, one of them a double, and ten that cannot be sent; returns the names of the bad ones."""
    folder.mkdir(parents=True)
    for number in range(GOOD - 6):
        form = ("jpeg", "png", "webp")[number % 3]
        (folder / f"{number:02}.{form}").write_bytes(image(form, 400 + number, 400))
    (folder / "turned phone photo.jpg").write_bytes(image("jpeg", 700, 400, orientation=6))
    (folder / "中文 名字.jpg").write_bytes(image("jpeg", 500, 410))
    (folder / "with  spaces .PNG").write_bytes(image("png", 500, 411))
    (folder / "ünïcode é.webp").write_bytes(image("webp", 500, 412))
    (folder / "-dash.jpg").write_bytes(image("jpeg", 500, 413))
    (folder / "00 again.jpeg").write_bytes((folder / "00.jpeg").read_bytes())
    bad = {
        "too small.png": image("png", 100, 100),
        "too narrow.jpg": image("jpeg", 301, 1000),
        "too wide.jpg": image("jpeg", 1000, 301),
        "text.jpg": TEXT,
        "empty.jpg": b"",
        "cut off.png": image("png", 400, 400)[:40],
    }
    for name, content in bad.items():
        (folder / name).write_bytes(content)
    (folder / "nowhere.jpg").symlink_to("gone.jpg")
    (folder / "loop.jpg").symlink_to("loop.jpg")
    os.mkfifo(folder / "pipe.jpg")
    (folder / "secret.jpg").write_bytes(image("jpeg", 500, 414))
    (folder / "secret.jpg").chmod(0)
    readable = os.access(folder / "secret.jpg", os.R_OK)  # root reads it all the same
    return {*bad, "nowhere.jpg", "loop.jpg", "pipe.jpg", *(() if readable else ("secret.jpg",))}


def make_plain(folder, count):
    """That many small good files, all different."""
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"{number:02}.jpg").write_bytes(image("jpeg", 400 + number, 400))
    return folder
