"""The sentences of checks as HTML."""

import html
import re


def marked_up(text: str) -> str:
    """The text, escaped, with what stands between two backticks set as code."""
    return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", html.escape(text, quote=True))
