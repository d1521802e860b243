"""What a servlet container does with sessions: it writes `;jsessionid=` into every link of a first answer, believes one that
comes back in a path when there is no cookie, and logs in at j_security_check."""

import http.server
import re
import secrets
import sys
import urllib.parse

SESSIONS = {}


class Application(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def version_string(self):
        return "Apache-Coyote/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.serve({})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.serve(dict(urllib.parse.parse_qsl(body)))

    def serve(self, form):
        parts = urllib.parse.urlsplit(self.path)
        form = form or dict(urllib.parse.parse_qsl(parts.query))
        in_path = re.search(r";jsessionid=([0-9A-F]+)", parts.path)
        self.session = re.search(r"JSESSIONID=([^;]*)", self.headers["Cookie"] or "")
        self.session = self.session[1] if self.session else None
        self.by_cookie, self.cookie = self.session in SESSIONS, None
        if not self.by_cookie and in_path and in_path[1] in SESSIONS:
            self.session = in_path[1]
        elif not self.by_cookie:
            self.new_session({})
        state = SESSIONS[self.session]
        path = re.sub(r";[^/]*", "", parts.path)
        if path.endswith("/j_security_check"):
            self.log_in(form, state)
        elif path == "/permits/account" and "user" not in state:
            self.answer(200, f'<form method="post" action="{self.encoded("/permits/j_security_check")}">')
        else:
            self.answer(200, f'{state.get("user", "nobody")} <a href="{self.encoded("/permits/account")}">{self.session}</a>')

    def log_in(self, form, state):
        if form.get("j_password") != "Riviere-2019":
            return self.answer(403, "wrong")
        # The number changes, the session stays: what containers do against fixation.
        del SESSIONS[self.session]
        self.new_session({"user": form["j_username"]})
        self.answer(303, "", Location=self.encoded("/permits/account"))

    def new_session(self, state):
        self.session = secrets.token_hex(16).upper()
        SESSIONS[self.session] = state
        self.cookie = f"JSESSIONID={self.session}; Path=/permits"

    def encoded(self, link):
        """HttpServletResponse.encodeURL: as long as nobody knows whether the client has cookies."""
        return link if self.by_cookie else f"{link};jsessionid={self.session}"

    def answer(self, status, body, **headers):
        self.send_response(status)
        if self.cookie:
            self.send_header("Set-Cookie", self.cookie)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())


host, port = sys.argv[1].rsplit(":", 1)
http.server.ThreadingHTTPServer((host, int(port)), Application).serve_forever()
