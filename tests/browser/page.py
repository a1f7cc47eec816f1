"""Opens a page of realign in headless Chromium and checks what a reader relies on.

    page.py FILE.html [--shots DIR] [--samples N] [--says TEXT] [--fits]

Checked at 390 and 1280 pixels, light and dark: no console message, no exception, no request but the file itself, no
element that a page of text cannot have, no global that hostile text tried to set, nothing wider than the window, the first
Tab reaches the skip link. With --samples the list has to say N, and a search has to leave fewer within two seconds.
With --says a reader has to see the text, whole and beside no table. With --fits no table may be wider than its box at 1280 pixels:
headings break over lines before a reader has to scroll. --shots writes a picture of each view. Ends with 1 and one line per finding. Needs nothing but Chromium and Python.
"""

import argparse
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
]
PATIENCE = 60


class Browser:
    """Chromium, spoken to over a pipe."""

    def __init__(self, profile):
        ours, theirs = os.pipe(), os.pipe()

        def descriptors():
            # Chromium reads from descriptor 3 and writes to 4.
            read, write = os.dup(ours[0]), os.dup(theirs[1])
            os.dup2(read, 3)
            os.dup2(write, 4)

        program = shutil.which("chromium") or shutil.which("chromium-browser")
        self.process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            close_fds=False, preexec_fn=descriptors, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        os.close(ours[0])
        os.close(theirs[1])
        self.write, self.read = ours[1], theirs[0]
        self.buffer, self.next, self.events = b"", 0, []

    def message(self):
        while b"\0" not in self.buffer:
            more = os.read(self.read, 1 << 20)
            if not more:
                raise SystemExit("chromium ended")
            self.buffer += more
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, session=None, **parameters):
        self.next += 1
        request = {"id": self.next, "method": method, "params": parameters}
        if session:
            request["sessionId"] = session
        data = json.dumps(request).encode() + b"\0"
        while data:
            data = data[os.write(self.write, data):]
        while True:
            answer = self.message()
            if answer.get("id") == self.next:
                if "error" in answer:
                    raise SystemExit(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.message())


class View:
    """One page at one width and in one colour scheme."""

    def __init__(self, browser, path, width, scheme):
        self.browser, self.width = browser, width
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Runtime", "Log", "Network", "Page"]:
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        browser.events.clear()
        self.began = time.monotonic()
        self.call("Page.navigate", url=path.as_uri())
        browser.wait("Page.loadEventFired")
        self.loaded = time.monotonic() - self.began

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def value(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise SystemExit(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def key(self, name):
        for kind in ["keyDown", "keyUp"]:
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=9)

    def noise(self, path):
        found = []
        for event in self.browser.events:
            parameters = event.get("params", {})
            if event.get("method") == "Runtime.consoleAPICalled":
                found.append(f"console: {parameters['type']} {parameters['args']}")
            elif event.get("method") == "Runtime.exceptionThrown":
                found.append(f"exception: {parameters['exceptionDetails']['text']}")
            elif event.get("method") == "Log.entryAdded":
                found.append(f"log: {parameters['entry']['text']}")
            elif event.get("method") == "Network.requestWillBeSent":
                url = parameters["request"]["url"]
                if url != path.as_uri() and not url.startswith("data:"):
                    found.append(f"request: {url}")
        return found

    def shot(self, path, whole):
        picture = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(picture["data"]))


SEEN = """((text) => [...document.querySelectorAll('main p')].filter((p) => p.textContent === text && p.checkVisibility()).length)"""
SCROLLED = "[...document.querySelectorAll('.scroll')].filter((box) => box.scrollWidth > box.clientWidth).map((box) => box.scrollWidth)"


def check(view, path, samples, says, fits):
    found = []

    def expect(what, expression, wanted):
        value = view.value(expression)
        if value != wanted:
            found.append(f"{what}: {value!r}, expected {wanted!r}")

    foreign = "img, iframe, object, embed, video, audio, base, link:not([rel=icon]), script[src], [onerror], [onload], [onclick]"
    expect("elements that no text can make", f"document.querySelectorAll({json.dumps(foreign)}).length", 0)
    expect("global set by hostile text", "typeof window.hacked", "undefined")
    expect("links that leave the page", "[...document.querySelectorAll('a')].filter((a) => !a.getAttribute('href').startsWith('#')).length", 0)
    expect("wider than the window", f"document.documentElement.scrollWidth > {view.width}", False)
    if says is not None:
        expect("paragraphs that say it", f"{SEEN}({json.dumps(says)})", 1)
    if fits and view.width == 1280:
        expect("tables that have to be scrolled", SCROLLED, [])
    view.key("Tab")
    expect("first stop of Tab", "document.activeElement.className", "skip")
    if samples is not None:
        status = view.value("document.getElementById('status').textContent")
        if not status.startswith(f"{samples} of {samples} samples"):
            found.append(f"status: {status!r}")
        view.value("(() => { const s = document.getElementById('search'); s.value = 'number 7'; s.dispatchEvent(new Event('input')); })()")
        began = time.monotonic()
        while view.value("document.getElementById('status').textContent").startswith(f"{samples} of"):
            if time.monotonic() - began > 2:
                found.append("search: nothing within 2 s")
                break
            time.sleep(0.02)
        view.searched = time.monotonic() - began
    return found + view.noise(path)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("page", type=pathlib.Path)
    arguments.add_argument("--shots", type=pathlib.Path)
    arguments.add_argument("--samples", type=int)
    arguments.add_argument("--says")
    arguments.add_argument("--fits", action="store_true")
    arguments = arguments.parse_args()
    path = arguments.page.resolve()
    failed = False
    # Chromium's children may write to the profile for a moment after their parent has ended.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        try:
            for width in [1280, 390]:
                for scheme in ["light", "dark"]:
                    view = View(browser, path, width, scheme)
                    if arguments.shots:
                        arguments.shots.mkdir(parents=True, exist_ok=True)
                        view.shot(arguments.shots / f"{path.stem}-{width}-{scheme}.png", True)
                    found = check(view, path, arguments.samples, arguments.says, arguments.fits)
                    times = f"loaded in {view.loaded:.2f} s"
                    if arguments.samples is not None:
                        times += f", searched in {view.searched:.2f} s"
                    print(f"{width} {scheme}: {times}, {len(found)} findings")
                    for line in found:
                        print(f"  {line}")
                    failed |= bool(found)
        finally:
            browser.process.terminate()
            browser.process.wait(PATIENCE)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
