"""`--preview`: a page on this machine that shows a run's picture and losses while they change, and can stop it.

The server listens on 127.0.0.1 alone. Its address carries a random token, so that other users and pages cannot
guess it, and the Host header must be ours, so that no foreign name that resolves to 127.0.0.1 gets through (DNS
rebinding). The page loads nothing from elsewhere.
"""

import hmac
import json
import secrets
import socketserver
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, urlsplit

from nstkit.cli.preview_state import PreviewState

HOST = "127.0.0.1"


class PreviewServer(ThreadingHTTPServer):
    """Serves one state until it is closed.

    Args:
        state: what the page shows.
        on_stop: called when the page's stop button is pressed; from another thread.
        port: to listen at; 0 takes a free one.
    Raises:
        ValueError: the port cannot be had.
    """

    daemon_threads, block_on_close = True, False

    def __init__(self, state: PreviewState, on_stop: Callable[[], None], port: int = 0) -> None:
        if not 0 <= port <= 65535:
            raise ValueError(f"--preview-port: expected 0 to 65535, got {port}")
        self.state, self.on_stop, self.token = state, on_stop, secrets.token_urlsafe(24)
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            raise ValueError(
                f"--preview-port: port {port} cannot be used ({error.strerror}); leave it out for a free one"
            ) from error
        threading.Thread(target=self.serve_forever, args=(0.1,), name="preview", daemon=True).start()

    def server_bind(self) -> None:
        """Bind without looking a name up, which can take seconds where there is no network."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A page that was closed in the middle of an answer is no news."""

    @property
    def hosts(self) -> tuple[str, str]:
        """The Host headers of honest requests."""
        return f"{HOST}:{self.server_port}", f"localhost:{self.server_port}"

    @property
    def url(self) -> str:
        """What to open in a browser."""
        return f"http://{HOST}:{self.server_port}/{self.token}/"

    def close(self) -> None:
        """Let an open page fetch the end, then stop serving."""
        self.state.linger()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    server: PreviewServer
    timeout = 10
    server_version, sys_version = "nstkit", ""

    def do_GET(self) -> None:
        name, query = self._asked()
        if name == "":
            self._page()
        elif name == "state":
            since = query.get("since", ["0"])[0]
            news = self.server.state.news(int(since) if since.isascii() and since.isdecimal() else 0)
            self._answer(HTTPStatus.OK, "application/json", json.dumps(news, allow_nan=False).encode())
        elif name == "picture.jpg":
            self._picture(query.get("after", ["0"])[0])
        elif name is not None:
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing of that name")

    def do_POST(self) -> None:
        name, _ = self._asked()
        if name == "stop":
            self.server.state.stopping()
            self.server.on_stop()
            self._answer(HTTPStatus.ACCEPTED, "text/plain; charset=utf-8", b"stopping\n")
        elif name is not None:
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing of that name")

    def _asked(self) -> tuple[str | None, dict[str, list[str]]]:
        """What is asked for, and how; None, and an answer sent, where it may not be had."""
        parts = urlsplit(self.path)
        token, _, name = parts.path.lstrip("/").partition("/")
        own = self.headers.get("Host") in self.server.hosts
        origin = self.headers.get("Origin")
        own = own and (origin is None or origin in [f"http://{host}" for host in self.server.hosts])
        if own and hmac.compare_digest(token.encode(), self.server.token.encode()):
            return name, parse_qs(parts.query)
        self._refuse(HTTPStatus.FORBIDDEN, "open the address that nstkit printed")
        return None, {}

    def _page(self) -> None:
        nonce = secrets.token_urlsafe(16)
        page = (
            files("nstkit.cli").joinpath("preview.html").read_text(encoding="utf-8").replace("NONCE", nonce)
        )
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src blob: data:; "
            "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        self._answer(
            HTTPStatus.OK, "text/html; charset=utf-8", page.encode(), {"Content-Security-Policy": policy}
        )

    def _picture(self, after: str) -> None:
        number, picture = self.server.state.picture(
            int(after) if after.isascii() and after.isdecimal() else 0
        )
        if picture is None:
            self._answer(HTTPStatus.NO_CONTENT, "", b"")
        else:
            self._answer(HTTPStatus.OK, "image/jpeg", picture, {"X-Picture": str(number)})

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        self._answer(status, "text/plain; charset=utf-8", f"{reason}\n".encode())

    def _answer(
        self, status: HTTPStatus, kind: str, body: bytes, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        always = {
            "Content-Length": str(len(body)), "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin",
        }  # fmt: skip
        for name, value in (always | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """The terminal belongs to the run."""
