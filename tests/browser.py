"""A real browser for the tests: headless Chromium, controlled by the W3C's WebDriver protocol."""

import contextlib
import json
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import pytest

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the protocol's own key for an element
QUIET = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-component-update", "--disable-background-networking", "--disable-dev-shm-usage",
         "--hide-scrollbars"]
KEYS = {"right": "\ue014", "left": "\ue012", "enter": "\ue007", "escape": "\ue00c", "tab": "\ue004"}


class Browser:
    """One session."""

    def __init__(self, port, session):
        self.root = f"http://127.0.0.1:{port}/session/{session}"

    def call(self, method, path, **body):
        data = json.dumps(body).encode() if method == "POST" else None
        request = urllib.request.Request(self.root + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return json.load(reply)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(json.load(error)["value"]["message"]) from None

    def open(self, address):
        self.call("POST", "/url", url=address)
        while self.run("return document.readyState") != "complete":   # as it sometimes is not yet, on a busy machine
            time.sleep(0.01)

    def run(self, script, *arguments):
        """Run JavaScript and return what it returns; a promise is waited for."""
        return self.call("POST", "/execute/sync", script=script, args=list(arguments))

    def press(self, key):
        keys = [{"type": "keyDown", "value": KEYS.get(key, key)}, {"type": "keyUp", "value": KEYS.get(key, key)}]
        self.call("POST", "/actions", actions=[{"type": "key", "id": "keys", "actions": keys}])

    def click(self, selector):
        element = self.call("POST", "/element", using="css selector", value=selector)[ELEMENT]
        self.call("POST", f"/element/{element}/click")

    def back(self):
        self.call("POST", "/back")

    def resize(self, width, height):
        self.call("POST", "/goog/cdp/execute", cmd="Emulation.setDeviceMetricsOverride",
                  params={"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})

    def prefer(self, scheme):
        self.call("POST", "/goog/cdp/execute", cmd="Emulation.setEmulatedMedia",
                  params={"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def complaints(self):
        """Return the warnings and errors in the console."""
        entries = self.call("POST", "/se/log", type="browser")
        return [entry["message"] for entry in entries if entry["level"] in ("WARNING", "SEVERE")]

    def requests(self):
        """The addresses that pages have asked for since the session began or this was called last.

        Those of the browser's own pages, which it shows before it is told to open one, are left out.
        """
        log = self.call("POST", "/se/log", type="performance")
        events = [json.loads(entry["message"])["message"] for entry in log]
        asked = [event["params"]["request"]["url"] for event in events
                 if event["method"] == "Network.requestWillBeSent"]
        return [address for address in asked if not address.startswith(("chrome:", "chrome-untrusted:"))]


@contextlib.contextmanager
def open_browser():
    """A browser for a block of code; the test is skipped where there is none."""
    program = shutil.which("chromedriver") or "/usr/lib/chromium/chromedriver"
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not pathlib.Path(program).exists() or not chromium:
        pytest.skip("no Chromium with its driver (on Debian: apt-get install chromium chromium-driver)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        driver = subprocess.Popen([program, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            browser = Browser(port, _session(port, chromium, profile))
            try:
                browser.open("about:blank")
                browser.complaints()
                yield browser
            finally:
                browser.call("DELETE", "")
        finally:
            driver.terminate()
            driver.wait(20)


def _session(port, chromium, profile):
    wanted = {"goog:chromeOptions": {"binary": chromium, "args": [*QUIET, f"--user-data-dir={profile}"]},
              "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
    body = json.dumps({"capabilities": {"alwaysMatch": wanted}}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/session", body, {"Content-Type": "application/json"})
    for _ in range(100):  # until the driver listens
        try:
            with urllib.request.urlopen(request, timeout=120) as reply:
                return json.load(reply)["value"]["sessionId"]
        except urllib.error.HTTPError as error:
            raise AssertionError(json.load(error)["value"]["message"]) from None
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise AssertionError("the driver did not begin to listen")
