"""The emulator without its fast lane: aiohttp's own handler answers suites that start it by PORTRAIT_TEST_SERVER."""

import sys

from emulator.__main__ import main
from emulator.web import listener

listener.parser_is_known = lambda: False

if __name__ == "__main__":
    sys.exit(main())
