"""What ASP.NET does on the wire: Web Forms with a large __VIEWSTATE, paths in any case, cookies of sessions and logins, a
session in the path, and ASP.NET Core's login cookie in pieces."""

import base64
import http.server
import re
import secrets
import sys
import urllib.parse

SESSIONS, TICKETS = {}, {}
PIECE = 4050


class Application(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def version_string(self):
        return "Microsoft-IIS/8.5"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.serve({})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.serve(urllib.parse.parse_qs(body))

    def serve(self, form):
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        self.cookies = dict(
            pair.strip().split("=", 1) for pair in (self.headers["Cookie"] or "").split(";") if "=" in pair)
        self.out = []
        # The session of a client that is thought to have no cookies.
        cookieless = re.match(r"/\(S\(([^)]*)\)\)", path)
        session = self.cookies.get("ASP.NET_SessionId")
        if cookieless:
            path, session = path[cookieless.end():], cookieless[1]
        if session not in SESSIONS and not cookieless:
            session = secrets.token_hex(12)
            self.out.append(f"ASP.NET_SessionId={session}; path=/; HttpOnly")
        state = SESSIONS.setdefault(session, {"viewstate": base64.b64encode(secrets.token_bytes(150 * 1024)).decode()})
        page = path.lower().strip("/").split("/")
        page = getattr(self, "page_" + page[0].replace(".aspx", ""), self.page_default)
        status, headers, body = page(form, state)
        self.answer(status, headers, body if body is not None else "")

    def page_login(self, form, state):
        if self.command == "GET":
            return 200, {}, f'<input type="hidden" name="__VIEWSTATE" value="{state["viewstate"]}">'
        if form.get("__VIEWSTATE") != [state["viewstate"]]:
            return 500, {}, "Validation of viewstate MAC failed"
        if form.get("password") != ["Bottine-2014"]:
            return 200, {}, "Your login attempt was not successful"
        ticket = secrets.token_hex(200).upper()
        TICKETS[ticket] = form["user"][0]
        self.out.append(f".ASPXAUTH={ticket}; path=/; HttpOnly")
        return 302, {"Location": "/Default.aspx"}, "<h2>Object moved</h2>"

    def page_default(self, form, state):
        user = TICKETS.get(self.cookies.get(".ASPXAUTH"), "nobody")
        return 200, {}, f"{user} asks for {self.path}"

    def page_core(self, form, state):
        """Signs in with a ticket of so many characters, in pieces as ASP.NET Core cuts them."""
        length = int(urllib.parse.urlsplit(self.path).query or "0")
        ticket = "CfDJ8" + "x" * (length - 5)
        if length <= PIECE:
            self.out.append(f".AspNetCore.Cookies={ticket}; path=/; secure; samesite=lax; httponly")
            return 204, {}, None
        pieces = [ticket[at:at + PIECE] for at in range(0, length, PIECE)]
        self.out.append(f".AspNetCore.Cookies=chunks-{len(pieces)}; path=/; secure; samesite=lax; httponly")
        for number, piece in enumerate(pieces, 1):
            self.out.append(f".AspNetCore.CookiesC{number}={piece}; path=/; secure; samesite=lax; httponly")
        return 204, {}, None

    def page_me(self, form, state):
        head = self.cookies.get(".AspNetCore.Cookies", "")
        if head.startswith("chunks-"):
            head = "".join(self.cookies.get(f".AspNetCore.CookiesC{number + 1}", "") for number in range(int(head[7:])))
        return 200, {}, f"a ticket of {len(head)} characters"

    def answer(self, status, headers, body):
        body = body.encode()
        self.send_response(status)
        self.send_header("X-AspNet-Version", "4.0.30319")
        self.send_header("X-Powered-By", "ASP.NET")
        for cookie in self.out:
            self.send_header("Set-Cookie", cookie)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)


host, port = sys.argv[1].rsplit(":", 1)
http.server.ThreadingHTTPServer((host, int(port)), Application).serve_forever()
