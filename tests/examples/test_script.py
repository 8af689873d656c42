"""The script is tested by the standard library's unittest alone."""

import contextlib
import io
import unittest

from emulator.environment import emulator
from tests.examples.script import main

URL = "https://magic.test/ann.jpg"


class TestScript(unittest.TestCase):
    """Each test has an emulator of its own."""

    def setUp(self):
        """The environment leads to a fresh emulator, and what the script prints is caught."""
        self.service = self.enterContext(emulator())
        self.output = self.enterContext(contextlib.redirect_stdout(io.StringIO()))

    def test_a_picture_becomes_an_asset(self):
        """The line of an Active asset has its address."""
        assert main([URL]) == 0
        assert f"{URL} asset://" in self.output.getvalue()

    def test_a_refused_picture_is_told(self):
        """The line of a refused one says why, and the exit code says so too."""
        assert main([f"{URL}?status=Failed&code=FaceMismatch"]) == 1
        assert "FaceMismatch" in self.output.getvalue()
