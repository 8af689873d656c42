"""Where records are kept: one protocol, several stores behind one suite of tests."""

from emulator._optional import INSTALL_HINT

try:
    import sortedcontainers  # noqa: F401  (the first of the extra's modules that whoever imports an emulator would miss)
except ImportError:
    raise ModuleNotFoundError(INSTALL_HINT) from None
