"""A browser without script, for identity providers: follows redirects, fills in a password,
sends forms on, clicks once.

Usage: browse.py begin PORTICO URL [USER PASSWORD]   signs in from URL, prints whom /me shows
       browse.py test PORTICO CONNECTION [USER PASSWORD]   signs in as a test of a connection

PORTICO_KEY is the key of a member who may change connections: a test needs it.
"""

import html.parser
import http.cookiejar
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

# Pages between the first and the last at most.
PAGES_MAX = 20


class Page(html.parser.HTMLParser):
    """The first form of a page and the fields in it."""

    def __init__(self, text):
        super().__init__()
        self.action, self.fields, self.inside = None, {}, False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form" and self.action is None:
            self.action, self.inside = attrs.get("action") or "", True
        elif tag in ("input", "button") and self.inside and attrs.get("name"):
            self.fields[attrs["name"]] = attrs.get("value") or ""

    def handle_endtag(self, tag):
        if tag == "form":
            self.inside = False


class Browser:
    def __init__(self, portico, user, password):
        self.portico, self.user, self.password = portico.rstrip("/"), user, password
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(jar)

    def open(self, url, fields=None, headers=None):
        data = None if fields is None else urllib.parse.urlencode(fields).encode()
        request = urllib.request.Request(url, data, headers or {})
        try:
            answer = self.opener.open(request, timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        text = answer.read().decode("utf-8", "replace")
        return answer.status, answer.geturl(), text, answer.headers.get("Refresh")

    def walk(self, url):
        """Goes on until there is nothing to go on to; gives the last page."""
        status, at, text, refresh = self.open(url)
        for _ in range(PAGES_MAX):
            if status >= 400:
                break
            if refresh and "url=" in refresh:
                status, at, text, refresh = self.open(urllib.parse.urljoin(at, refresh.split("url=", 1)[1]))
                continue
            ours = at.startswith(self.portico + "/")
            if ours and not urllib.parse.urlsplit(at).path.startswith("/sso/"):
                break
            page = Page(text)
            if page.action is None:
                break
            if "username" in page.fields:
                page.fields |= {"username": self.user, "password": self.password}
            action = urllib.parse.urljoin(at, page.action)
            # Every browser says from where a form comes.
            scheme, host, *_ = urllib.parse.urlsplit(at)
            comes_from = {"origin": f"{scheme}://{host}"}
            status, at, text, refresh = self.open(action, page.fields, comes_from)
        return status, at, text


def main():
    what, portico, where, *account = sys.argv[1:]
    user, password = account or ("ada", "adapass")
    browser = Browser(portico, user, password)
    if what == "test":
        bearer = {"authorization": f"Bearer {os.environ['PORTICO_KEY']}"}
        url = f"{browser.portico}/api/connections/{where}/test"
        status, _, text, _ = browser.open(url, {}, bearer)
        if status != 200:
            sys.exit(f"a test does not begin: {status} {text}")
        where = browser.portico + json.loads(text)["path"]
    status, at, text = browser.walk(where)
    if what == "test":
        print(status, at)
        return
    if status >= 400:
        sys.exit(f"refused: {status} at {at}")
    status, at, text, _ = browser.open(browser.portico + "/me")
    mail = f"{user}@example.com"
    if mail not in text:
        sys.exit(f"nobody is signed in: {status} at {at}")
    print(mail)


if __name__ == "__main__":
    main()
