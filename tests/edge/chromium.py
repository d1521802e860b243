"""A person at headless Chromium, by the DevTools protocol over a pipe: logs in, looks around, logs out."""

import fcntl
import json
import os
import subprocess
import sys
import tempfile
import time


class Browser:
    def __init__(self):
        # Well above the two descriptors that the browser reads commands from and writes to, 3 and 4.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in os.pipe() + os.pipe()]
        out_of, into, answers, told = ends
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        os.dup2(out_of, 3)
        os.dup2(told, 4)
        self.process = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--ignore-certificate-errors",
             "--no-first-run", "--no-proxy-server", "--disable-background-networking", "--remote-debugging-pipe",
             "--user-data-dir=" + self.profile.name, "about:blank"],
            pass_fds=(3, 4), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for end in (3, 4, out_of, told):
            os.close(end)
        self.into, self.answers = os.fdopen(into, "wb", 0), os.fdopen(answers, "rb", 0)
        self.number, self.read, self.session = 0, b"", None
        target = self.tell("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.tell("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def tell(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.into.write(json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self.read:
                piece = self.answers.read(65536)
                if not piece:
                    raise EOFError("the browser is gone")
                self.read += piece
            answer, self.read = self.read.split(b"\0", 1)
            answer = json.loads(answer)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(answer["error"])
                return answer["result"]

    def run(self, script):
        result = self.tell("Runtime.evaluate", expression=script, returnByValue=True)
        return result["result"].get("value")

    def until(self, script):
        """Waits until something is so on the page that is there then."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                if self.run("document.readyState == 'complete' && (" + script + ")"):
                    return
            except RuntimeError:
                pass
            time.sleep(0.05)
        raise TimeoutError(script + " at " + str(self.run("location.href + document.body.innerText")))

    def go(self, url):
        self.tell("Page.navigate", url=url)
        self.until("location.href.startsWith(%s)" % json.dumps(url.split("#")[0]))

    def submit(self, action, fields, then):
        self.run("""(() => {
            const form = [...document.forms].find(form => new URL(form.action).pathname == %s);
            for (const [name, value] of Object.entries(%s)) form.elements[name].value = value;
            form.requestSubmit();
        })()""" % (json.dumps(action), json.dumps(fields)))
        self.until("location.pathname == " + json.dumps(then))

    def cookies(self):
        return self.tell("Network.getAllCookies")["cookies"]

    def end(self):
        self.process.kill()
        self.process.wait()


port = sys.argv[1]
browser = Browser()
try:
    for tenant, login, fields, home, seen, logout, out in json.loads(sys.argv[2]):
        site = "https://%s.localhost:%s" % (tenant, port)
        browser.go(site + login)
        browser.submit(login, fields, home)
        inside = seen in browser.run("document.body.innerText")
        own = sorted((cookie for cookie in browser.cookies() if cookie["domain"] == tenant + ".localhost"),
                     key=lambda cookie: cookie["name"])
        for cookie in own:
            print(tenant, cookie["name"], cookie["path"], "secure" if cookie["secure"] else "plain",
                  "hidden" if cookie["httpOnly"] else "readable", cookie.get("sameSite"),
                  "sealed" if cookie["value"].startswith("tl4C") else "open")
        browser.go(site + home)
        again = seen in browser.run("document.body.innerText")
        browser.submit(logout, {}, out)
        browser.tell("Page.navigate", url=site + home)
        browser.until("location.pathname == " + json.dumps(login))
        print(tenant, "in" if inside else "not in", "and still" if again else "and not", "and out")
    others = {cookie["domain"] for cookie in browser.cookies()} - {"library.localhost", "city.localhost", "daycare.localhost"}
    print("others", sorted(others))
finally:
    browser.end()
