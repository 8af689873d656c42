"""The control plane: reads and changes a running emulator, by plain JSON values. It knows no HTTP."""

from emulator.control.overview import Overview
from emulator.control.plane import Control
from emulator.control.snapshots import NamedSnapshots
from emulator.control.values import ControlError

__all__ = ["Control", "ControlError", "NamedSnapshots", "Overview"]
