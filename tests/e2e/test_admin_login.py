"""Logging in to the administration, as a browser sees it on the wire; tests/web does it with one."""

import hashlib
import hmac
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from phone import FORM
from processes import PATIENCE, UicServer, eventually

TOKEN = "e2e-Token_7cW4vN1z"
COOKIE = re.compile(r"uic_admin=([0-9]+\.[0-9a-f]{16}\.[0-9a-f]{64}); Path=/admin; Max-Age=43200; HttpOnly; SameSite=Strict")


@pytest.fixture(scope="module")
def admin(tmp_path_factory):
    with UicServer(tmp_path_factory.mktemp("admin"), {"WORKERS": "2", "ADMIN_TOKEN": TOKEN}) as server:
        yield server


class Visitor:
    """Somebody at an internet address of their own, behind a proxy that tells it."""

    addresses = iter(range(1, 250))

    def __init__(self, server):
        self.server = server
        self.address = f"203.0.113.{next(self.addresses)}"
        self.cookie = None

    def request(self, method, path, body=None, **headers):
        headers = {"X-Forwarded-For": self.address,
                   **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.cookie:
            headers["Cookie"] = f"theme=dark; uic_admin={self.cookie}"
        connection = self.server.connect()
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            response.text = response.read().decode()
            return response
        finally:
            connection.close()

    def log_in(self, token=TOKEN, **headers):
        return self.request("POST", "/admin/login", urlencode({"username": "admin", "token": token}),
                            Content_Type=FORM, **headers)


@pytest.fixture
def visitor(admin):
    return Visitor(admin)


def state(response):
    """What the login page says; None on another page."""
    found = re.search(r'<html lang="fr" data-state="(\w+)">', response.text)
    return found and found[1]


def test_the_page_is_the_login_page_until_the_token_was_given(visitor):
    assert state(visitor.request("GET", "/admin")) == "ask"
    response = visitor.log_in()
    assert (response.status, response.headers["Location"]) == (303, "/admin")
    visitor.cookie = COOKIE.fullmatch(response.headers["Set-Cookie"])[1]
    page = visitor.request("GET", "/admin")
    assert page.status == 200 and state(page) is None and "Tableau de bord" in page.text


def test_the_cookie_is_secure_where_browsers_come_by_tls(start):
    server = start(ADMIN_TOKEN=TOKEN, PUBLIC_URL="https://ciu.example.org")
    response = Visitor(server).log_in()
    assert response.headers["Set-Cookie"].endswith("; SameSite=Strict; Secure")


def test_a_pass_is_good_on_every_instance_with_the_same_token_and_no_other(admin, visitor, start):
    visitor.cookie = COOKIE.fullmatch(visitor.log_in().headers["Set-Cookie"])[1]
    for token, expected in ((TOKEN, None), (TOKEN + "2", "ask")):
        visitor.server = start(ADMIN_TOKEN=token)
        assert state(visitor.request("GET", "/admin")) == expected


@pytest.mark.parametrize("wrong", ["", "e2e-Token_7cW4vN1", TOKEN + "\0", TOKEN.lower(), "é" * 2000])
def test_a_wrong_token_gets_no_pass(visitor, wrong):
    response = visitor.log_in(wrong)
    assert response.status == 403 and state(response) == "wrong"
    assert "Set-Cookie" not in response.headers
    assert response.headers["Cache-Control"] == "no-store"


def test_after_a_wrong_one_the_right_one_is_taken(visitor):
    visitor.log_in("wrong")
    assert visitor.log_in().status == 303


def test_logging_out_takes_the_pass_away(visitor):
    response = visitor.request("POST", "/admin/logout", "", Content_Type=FORM)
    assert (response.status, response.headers["Location"]) == (303, "/admin")
    assert response.headers["Set-Cookie"].startswith("uic_admin=; Path=/admin; Max-Age=0; ")


@pytest.mark.parametrize("headers", [
    {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}, {"Origin": "null"},
    {"Origin": "https://evil.example"}])
@pytest.mark.parametrize("path", ["/admin/login", "/admin/logout"])
def test_a_form_on_another_site_does_nothing(visitor, headers, path):
    response = visitor.request("POST", path, urlencode({"token": TOKEN}), Content_Type=FORM, **headers)
    assert response.status == 403 and "Set-Cookie" not in response.headers


@pytest.mark.parametrize("headers", [{"Sec_Fetch_Site": "same-origin", "Origin": "null"},
                                     {"Origin": "http://127.0.0.1:1"}])
def test_a_form_on_our_page_is_taken(visitor, headers):
    assert visitor.log_in(**headers).status == 303


@pytest.mark.parametrize("path", ["/admin/login", "/admin/logout"])
def test_a_reload_after_a_form_leads_back_to_the_page(visitor, path):
    response = visitor.request("GET", path)
    assert (response.status, response.headers["Location"]) == (303, "/admin")
    assert "Set-Cookie" not in response.headers


def test_broken_forms_are_refused(visitor):
    assert visitor.request("POST", "/admin/login", "token=%zz", Content_Type=FORM).status == 400
    assert visitor.request("POST", "/admin/login", "a=1&" * 9, Content_Type=FORM).status == 400


def test_without_a_token_in_the_settings_there_is_no_administration(shared):
    visitor = Visitor(shared)
    for method, path in (("GET", "/admin"), ("GET", "/admin/login"), ("POST", "/admin/login"),
                         ("POST", "/admin/logout")):
        assert visitor.request(method, path).status == 404


def guess(visitor, way, token):
    """A try by one of the ways on which a token is judged; its status."""
    if way == "login":
        return visitor.log_in(token).status
    if way == "verify":
        return visitor.request("GET", "/whatsapp/meta?hub.mode=subscribe&hub.challenge=1&hub.verify_token="
                               + token).status
    path = {"stats": "/admin/stats", "page": "/admin", "metrics": "/metrics"}[way]
    return visitor.request("GET", path, Authorization=f"Bearer {token}").status


# What a wrong token gets, and the right one.
WAYS = {"login": (403, 303), "stats": (401, 200), "page": (200, 200), "metrics": (401, 200), "verify": (403, 200)}
EVERY_TOKEN = {"ADMIN_TOKEN": TOKEN, "METRICS_TOKEN": TOKEN, "META_VERIFY_TOKEN": TOKEN,
               "META_WHATSAPP_TOKEN": "EAAG-of-tests", "META_PHONE_NUMBER_ID": "106540352242922",
               "META_APP_SECRET": "0123456789abcdef0123456789abcdef",
               "META_GRAPH_URL": "http://127.0.0.1:9"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    server = UicServer(tmp_path_factory.mktemp("guarded"), {"WORKERS": "2", **EVERY_TOKEN})
    server.start("/health")
    yield server
    server.stop()


class Guesser:
    """Sends guesses without waiting for their answers, each on a connection of its own."""

    def __init__(self, visitor, way, count):
        self.visitor, self.way = visitor, way
        self.pool = ThreadPoolExecutor(count)
        self.answers = [self.pool.submit(self.guess) for _ in range(count)]

    def guess(self):
        began = time.monotonic()
        return guess(self.visitor, self.way, "guess-number-1234"), time.monotonic() - began

    def answered(self):
        return sum(answer.done() for answer in self.answers)

    def wait(self):
        """The statuses, and how long each took at least, in whole seconds."""
        results = [answer.result() for answer in self.answers]
        return {status for status, _ in results}, sorted(int(took + .01) for _, took in results)


@pytest.mark.parametrize("way", WAYS)
def test_guesses_sent_at_once_all_wait_and_the_right_token_wins(guarded, way):
    """It is answered no sooner than the guesses before it, so nobody guesses faster than his
    connections let him wait; and nobody is refused."""
    visitor = Visitor(guarded)
    wrong, right = WAYS[way]
    guesser = Guesser(visitor, way, 3)  # for one, two and four seconds
    eventually(lambda: guarded.log().count(f"client={visitor.address}") == 3, "all were judged")
    assert guess(visitor, way, TOKEN) == right
    assert guesser.answered() >= 2, "the right token waited for the wrong ones"
    statuses, took = guesser.wait()
    assert statuses == {wrong}
    assert all(real >= least for real, least in zip(took, (1, 2, 4))), took


def test_tokens_are_slowed_together(guarded):
    """Who guesses one waits for the others."""
    visitor = Visitor(guarded)
    guesser = Guesser(visitor, "metrics", 2)
    eventually(lambda: guarded.log().count(f"client={visitor.address}") == 2, "the guesses were judged")
    assert guess(visitor, "stats", TOKEN) == 200
    assert guesser.answered() >= 1, "the right token waited for a wrong one"
    assert guesser.wait()[0] == {401}


def test_guesses_from_more_addresses_than_ever_keep_nobody_out(guarded):
    """Yesterday 256 of them locked the administrator out."""
    before = guarded.log().count("result=wrong")
    with ThreadPoolExecutor(300) as pool:
        crowd = []
        for i in range(300):
            stranger = Visitor.__new__(Visitor)
            stranger.server, stranger.cookie, stranger.address = guarded, None, f"10.{i // 250}.{i % 250}.1"
            crowd.append(pool.submit(stranger.log_in, "guess-number-1234"))
        eventually(lambda: guarded.log().count("result=wrong") == before + 300, "all were judged")
        assert Visitor(guarded).log_in().status == 303
        assert guess(Visitor(guarded), "stats", TOKEN) == 200
        assert {answer.result().status for answer in crowd} == {403}


def test_a_stop_ends_the_wait(start):
    server = start(ADMIN_TOKEN=TOKEN, WORKERS=1)
    visitor = Visitor(server)
    for _ in range(3):
        assert visitor.log_in("wrong").status == 403
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(visitor.log_in("wrong").status))
    stats = threading.Thread(target=lambda: answers.append(guess(visitor, "stats", TOKEN)))
    waiting.start()  # eight seconds, after three wrong ones
    eventually(lambda: server.log().count("result=wrong") == 4, "the fourth try was judged")
    stats.start()
    server.stop()
    waiting.join(PATIENCE)
    stats.join(PATIENCE)
    assert 403 in answers and len(answers) <= 2


def log_in(server):
    visitor = Visitor(server)
    visitor.cookie = COOKIE.fullmatch(visitor.log_in().headers["Set-Cookie"])[1]
    assert visitor.request("GET", "/admin/stats").status == 200
    return visitor


def log_out(visitor):
    response = visitor.request("POST", "/admin/logout", "", Content_Type=FORM)
    assert response.status == 303 and response.headers["Set-Cookie"].startswith("uic_admin=; ")


def is_over(visitor, server=None):
    """Whether neither the figures nor the page are for this pass any more."""
    visitor.server = server or visitor.server
    figures, page = visitor.request("GET", "/admin/stats"), visitor.request("GET", "/admin")
    assert (figures.status == 401) == (state(page) == "over"), "both judge alike"
    return figures.status == 401


def test_a_pass_that_was_ended_is_no_pass_any_more(admin):
    visitor, other = log_in(admin), log_in(admin)
    log_out(visitor)
    assert is_over(visitor)
    assert not is_over(other), "somebody else's goes on"
    assert not is_over(log_in(admin)), "and one may log in again at once"


def test_an_ended_pass_is_ended_on_every_instance_and_after_a_restart(start, redis):
    settings = {"ADMIN_TOKEN": TOKEN, "REDIS_URL": redis.url, "WORKERS": 2}
    one, other = start(**settings), start(**settings)
    visitor, second = log_in(one), log_in(other)
    log_out(visitor)
    assert is_over(visitor, other) and is_over(visitor, one)
    assert not is_over(second, one)
    other.stop()
    other.start()
    assert is_over(visitor, other)
    (key,) = redis.keys("uic:ended:*")
    assert visitor.cookie not in "".join(redis.command("GET", key)) + key
    assert 43000 < int(redis.command("TTL", key)[0]) <= 43201


def test_while_redis_is_away_an_instance_knows_what_was_ended_on_it(start, redis):
    settings = {"ADMIN_TOKEN": TOKEN, "REDIS_URL": redis.url, "WORKERS": 2}
    one, other = start(**settings), start(**settings)
    visitor, second, third = log_in(one), log_in(one), log_in(one)
    log_out(second)
    assert is_over(second, other)
    redis.kill()
    log_out(visitor)
    eventually(lambda: one.log().count('admin_logout ended="on this instance"') == 1, "said so")
    assert is_over(visitor, one), "here it is known"
    assert not is_over(visitor, other), "there it cannot be"
    assert is_over(second, other), "what was asked before is remembered"
    assert not is_over(third, other), "whoever watches the programme still can"
    visitor.server = other
    redis.start()
    eventually(lambda: visitor.request("GET", "/admin/stats").status == 401,
               "the others learn it when Redis is back")


def pass_made_by_us(end, token=TOKEN):
    """A pass as the server makes it, written once more."""
    secret = hmac.digest(b"whatsapp-uic 1", token.encode(), hashlib.sha256)
    key = hmac.digest(secret, b"admin pass\1", hashlib.sha256)
    text = f"{end}.0123456789abcdef"
    return f"{text}.{hmac.new(key, text.encode(), hashlib.sha256).hexdigest()}"


def test_a_pass_runs_out_by_itself(visitor):
    visitor.cookie = pass_made_by_us(int(time.time()) + 3600)
    assert not is_over(visitor)
    visitor.cookie = pass_made_by_us(int(time.time()) - 1)
    assert is_over(visitor)
    visitor.cookie = pass_made_by_us(int(time.time()) + 3600, TOKEN + "2")
    assert state(visitor.request("GET", "/admin")) == "ask", "another token's is none"


def test_a_pass_that_is_over_is_not_taken_for_an_attack(admin):
    visitor = log_in(admin)
    log_out(visitor)
    before = admin.log().count("admin_refused")
    assert is_over(visitor)
    assert admin.log().count("admin_refused") == before
    visitor.cookie = None
    assert visitor.request("GET", "/admin/stats").status == 401
    eventually(lambda: admin.log().count("admin_refused") == before + 1, "a stranger is")


def test_neither_token_nor_pass_is_in_the_log(visitor, admin):
    visitor.cookie = COOKIE.fullmatch(visitor.log_in().headers["Set-Cookie"])[1]
    visitor.request("GET", "/admin")
    visitor.log_in("a-wrong-Token_1234")
    log = admin.log()
    assert "result=right" in log and "result=wrong" in log
    assert TOKEN not in log and visitor.cookie not in log and "a-wrong-Token" not in log
