"""The emulator's OpenAPI document, generated from the tables that the emulator runs by.

`document` assembles the parts: `actions` has the Actions, `control` the control plane, `schemas` the JSON Schemas of
the protocol's values, `responses` those of whole answers.
"""

from emulator.web.openapi.document import document

__all__ = ["document"]
