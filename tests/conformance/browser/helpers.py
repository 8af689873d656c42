"""Tabs that collect what they should not do, the application that a check belongs to, and what axe-core finds."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1440, "height": 900}}
LOCAL = {"127.0.0.1", "localhost", "emulator.example"}


class Tabs:
    """Opens tabs, each in a context of its own, and collects what they should not do.

    Attributes:
        complaints: Errors and warnings of consoles and scripts, dialogs, and requests to other machines.
    """

    def __init__(self, browser: Browser) -> None:
        self.complaints: list[str] = []
        self._browser = browser
        self._contexts: list[BrowserContext] = []

    def __call__(self, size: str = "phone", **options: object) -> Page:
        """A new tab; options as of `Browser.new_context`."""
        context = self._browser.new_context(viewport=SIZES[size], **options)
        self._contexts.append(context)
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self.complaints.append(f"{error.error}"))
        context.on("dialog", lambda dialog: (self.complaints.append(f"dialog {dialog.message}"), dialog.dismiss()))
        context.on("request", lambda request: self._on_request(request.url))
        context.set_default_timeout(10_000)
        return context.new_page()

    def close(self) -> None:
        """Close all tabs."""
        for context in self._contexts:
            context.close()

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _on_request(self, url: str) -> None:
        if urlsplit(url).hostname not in LOCAL:
            self.complaints.append(f"request to {url}")


class Application:
    """The application that a check belongs to: it records where browsers come back, and serves one page of its own.

    Attributes:
        url: Its CallbackURL.
        arrivals: The path and query of each request to it.
        page: The HTML that it answers.
    """

    def __init__(self) -> None:
        self.arrivals: list[str] = []
        self.page = (
            "<!doctype html><html lang=en><link rel=icon href=data:,><title>Back</title><h1>Back in the app</h1>"
        )
        application = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                application.arrivals.append(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(application.page.encode())

            def log_message(self, *_: object) -> None:
                """Nothing on stderr."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/done"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        """Give the port back."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def serious_findings(page: Page) -> list[str]:
    """What axe-core finds on a page that is serious or critical, a line each."""
    return [
        f"{violation['id']}: {violation['help']}: {[node['html'] for node in violation['nodes']]}"
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in {"serious", "critical"}
    ]
