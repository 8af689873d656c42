"""The project from outside is run by a test, and not collected as part of this one."""

collect_ignore = ["project"]
