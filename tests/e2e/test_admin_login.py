"""Logging in to the administration, as a browser sees it on the wire; tests/web does it with one."""

import re
import threading
from urllib.parse import urlencode

import pytest
from phone import FORM
from processes import PATIENCE, UicServer, eventually

TOKEN = "e2e-Token_7cW4vN1z"
COOKIE = re.compile(r"uic_admin=([0-9]+\.[0-9a-f]{64}); Path=/admin; Max-Age=43200; HttpOnly; SameSite=Strict")


@pytest.fixture(scope="module")
def admin(tmp_path_factory):
    server = UicServer(tmp_path_factory.mktemp("admin"), {"WORKERS": "2", "ADMIN_TOKEN": TOKEN})
    server.start()
    yield server
    server.stop()


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


def test_while_a_wrong_try_waits_its_address_gets_no_other_and_a_stop_ends_the_wait(start):
    server = start(ADMIN_TOKEN=TOKEN, WORKERS=1)
    visitor = Visitor(server)
    for _ in range(3):
        assert visitor.log_in("wrong").status == 403
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(visitor.log_in("wrong")))
    waiting.start()  # eight seconds, after three wrong ones
    eventually(lambda: server.log().count("result=wrong") == 4, "the fourth try was judged")
    refused = visitor.log_in()
    assert refused.status == 429 and state(refused) == "slow"
    assert refused.headers["Retry-After"] == "10"
    assert Visitor(server).log_in().status == 303, "somebody elsewhere does not wait"
    assert 'uic_admin_logins_total{result="too_early"} 1' in server.get("/metrics")[1]
    assert not answers
    server.stop()
    waiting.join(PATIENCE)
    assert [answer.status for answer in answers] == [403]


def test_neither_token_nor_pass_is_in_the_log(visitor, admin):
    visitor.cookie = COOKIE.fullmatch(visitor.log_in().headers["Set-Cookie"])[1]
    visitor.request("GET", "/admin")
    visitor.log_in("a-wrong-Token_1234")
    log = admin.log()
    assert "result=right" in log and "result=wrong" in log
    assert TOKEN not in log and visitor.cookie not in log and "a-wrong-Token" not in log
