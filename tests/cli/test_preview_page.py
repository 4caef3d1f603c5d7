"""The preview's page in a real browser: headless Chromium, driven through chromedriver's own HTTP (W3C WebDriver)."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
PROGRAM = "import sys; from nstkit.cli import main; main(sys.argv[1:])"
pytestmark = [
    pytest.mark.slow,  # a browser starts
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs Chromium and chromedriver"),
]
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Browser:
    """A tab."""

    def __init__(self, port):
        self._root = f"http://127.0.0.1:{port}/session"
        flags = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--window-size=400,800",
        ]
        chrome = {"binary": CHROMIUM, "args": flags}
        wanted = {
            "browserName": "chrome",
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": chrome,
        }
        session = self._send("POST", "", {"capabilities": {"alwaysMatch": wanted}})
        self._root += f"/{session['sessionId']}"

    def _send(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self._root + path, data, {"Content-Type": "application/json"}, method=method
        )
        with DIRECT.open(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def open(self, url):
        self._send("POST", "/url", {"url": url})

    def run(self, script):
        return self._send("POST", "/execute/sync", {"script": script, "args": []})

    def press(self, selector):
        found = self._send("POST", "/element", {"using": "css selector", "value": selector})
        self._send("POST", f"/element/{next(iter(found.values()))}/click", {})

    def complaints(self):
        return self._send("POST", "/se/log", {"type": "browser"})

    def wait(self, script, seconds=60):
        end = time.monotonic() + seconds
        while not (value := self.run(f"return {script}")):
            assert time.monotonic() < end, script
            time.sleep(0.05)
        return value

    def close(self):
        self._send("DELETE", "")


@pytest.fixture
def browser():
    driver = subprocess.Popen(
        [DRIVER, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        line = next(line for line in driver.stdout if "successfully on port" in line)
        tab = Browser(int(line.split("on port ")[1].strip().rstrip(".")))
        yield tab
        tab.close()
    finally:
        driver.terminate()
        driver.wait()
        driver.stdout.close()


def test_the_page_shows_the_run_and_its_button_stops_it(browser, here, photo, style):
    words = [
        "transfer",
        photo,
        style,
        "-o",
        "out.png",
        "--size",
        "64",
        "--steps",
        "100000",
        "--encoder",
        "tiny",
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words, "--preview", "-q"], stderr=subprocess.PIPE, text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        browser.open(process.stderr.readline().strip())
        width = browser.wait("document.querySelector('#picture').naturalWidth")
        assert width == 64
        browser.wait(
            "(document.querySelector('[data-term=total]')?.getAttribute('d').match(/L/g) || []).length > 5"
        )
        assert browser.run("return document.querySelector('#terms').innerText").split()[0::3] == [
            "total", "content", "style",
        ]  # fmt: skip
        assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth")
        first = browser.run("return document.querySelector('#picture').src")
        browser.wait(f"document.querySelector('#picture').src !== {json.dumps(first)}")
        browser.press("#stop")
        process.wait(60)
    finally:
        process.kill()
        process.wait()
        said = process.stderr.read()
        process.stderr.close()
    assert process.returncode == 130
    assert "the picture so far is out.partial.png" in said
    assert sorted(path.name for path in here.iterdir()) == [
        "out.partial.png", "out.png.resume.safetensors", photo, style,
    ]  # fmt: skip
    browser.wait("document.querySelector('#state').textContent === 'The run was stopped.'", 5)
    assert "nstkit transfer --resume" in browser.run("return document.querySelector('#note').innerText")
    assert browser.run("return document.querySelector('#stop').disabled")
    time.sleep(1)  # the server is gone; the page stays
    assert browser.run("return document.querySelector('#picture').naturalWidth") == 64
    assert browser.complaints() == []
