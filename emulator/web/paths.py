"""The addresses of the emulator, as clients know them."""

UPLOADED_FILES = "/r2/"
SIGNED_FILES = "/files/"
VIDEOS = "/videos/"
PAGES = "/h5/"
CONTROL = "/_emulator/"
DASHBOARD = CONTROL
OPENAPI = "/_emulator/openapi.json"
STATIC = "/_emulator/static/"
