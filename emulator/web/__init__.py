"""HTTP around the service: what a request says is read here, and a reply is put on the wire here.

`site` answers requests without any I/O; `serving` puts it behind aiohttp's server, `emulator.in_process` in front of
a client's transport. Nothing here knows a rule of the service.
"""
