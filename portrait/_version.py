"""The version of the distribution: read by the build, and by the user agent without importlib.metadata."""

__version__ = "0.1.0"
