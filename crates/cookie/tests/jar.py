"""Python's own cookie jar as a browser: takes what a site sets, says what it would send where."""

import email.message
import http.cookiejar
import json
import sys
import urllib.request


class Answer:
    def __init__(self, lines):
        self.headers = email.message.Message()
        for line in lines:
            self.headers["Set-Cookie"] = line

    def info(self):
        return self.headers


def main():
    jar = http.cookiejar.CookieJar()
    sent = []
    for step in json.load(sys.stdin):
        request = urllib.request.Request(step["url"])
        jar.add_cookie_header(request)
        sent.append(request.get_header("Cookie"))
        jar.extract_cookies(Answer(step["sets"]), request)
    json.dump(sent, sys.stdout)


main()
