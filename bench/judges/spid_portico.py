"""How spid-sp-test comes to Portico, and brings its answers: a plugin of it.

PORTICO_URL is where Portico is. With PORTICO_TEST=CONNECTION a sign-in is begun as a test of
that connection, which PORTICO_KEY may change.
"""

import os
import time

from spid_sp_test.authn_request import build_authn_post_data

# Portico stops listening to an address that it has refused 20 times in a minute.
WAITS_MAX = 5


class Portico:
    def __init__(self, session, url, *_request):
        self.session, self.url = session, url

    def patiently(self, send):
        for _ in range(WAITS_MAX):
            answer = send()
            if answer.status_code != 429:
                return answer
            time.sleep(int(answer.headers.get("Retry-After", "60")))
        raise RuntimeError("Portico does not listen any more")

    def request(self):
        connection, base = os.environ.get("PORTICO_TEST"), os.environ["PORTICO_URL"]
        url = self.url
        if connection:
            bearer = {"authorization": f"Bearer {os.environ['PORTICO_KEY']}"}
            begun = self.session.post(f"{base}/api/connections/{connection}/test", headers=bearer)
            begun.raise_for_status()
            url = base + begun.json()["path"]
        page = self.patiently(lambda: self.session.get(url))
        page.raise_for_status()
        data = build_authn_post_data(page, "", "", url)
        data["requests_session"] = self.session
        return data

    def response(self, url, data, **_kwargs):
        return self.patiently(lambda: self.session.post(url, data=data))
