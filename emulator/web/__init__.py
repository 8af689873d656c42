"""HTTP around the service: what a request says is read here, and a reply is put on the wire here.

A `Head` is what a request says before its body. The `Site` is the table of addresses: it answers a head, or hands out
an `Intake`. An `Intake` takes one body piece by piece and begins the answer. The `Front` leads aiohttp's requests
through the site, as `emulator.transports` does those of a client's transport. Nothing here knows a rule of the service.
"""
