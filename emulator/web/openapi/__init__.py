"""The emulator's description of itself as an OpenAPI document, made from the tables that the emulator runs by.

`document` puts the parts together: `actions` has the Actions, `control` the control plane, `files` what stands around
them, `schemas` the JSON Schemas of the protocol's values. Nothing is typed here that a table already says.
"""

from emulator.web.openapi.document import document

__all__ = ["document"]
