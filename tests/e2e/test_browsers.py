"""What a browser is told with every answer: guess no type, keep nothing, frame nothing, run nothing."""

import pytest
from phone import exchange_bytes


def headers_of(phone, method, path):
    phone.connection.request(method, path)
    response = phone.connection.getresponse()
    response.read()
    return response.headers


@pytest.mark.parametrize("method, path", [("GET", "/"), ("GET", "/health"), ("GET", "/metrics"),
                                          ("GET", "/nothing"), ("PUT", "/health"),
                                          ("POST", "/whatsapp/webhook"), ("GET", "/admin"),
                                          ("GET", "/admin/stats"), ("GET", "/simulator")])
def test_every_answer_is_closed_to_scripts_frames_and_caches(phone, method, path):
    headers = headers_of(phone, method, path)
    assert headers["X-Content-Type-Options"] == "nosniff"
    # Pages and their files may be kept, if the browser asks each time; nothing else.
    assert headers["Cache-Control"] == ("no-cache" if "ETag" in headers else "no-store")
    if headers.get_content_type() == "text/html":
        assert headers["Referrer-Policy"] == "no-referrer"
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "default-src" in policy


def test_what_is_refused_at_the_door_is_no_page_either(shared):
    answer = exchange_bytes(shared, b"GET /<script> HTTP/9.9\r\n\r\n")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_the_server_does_not_tell_what_it_is_made_of(phone):
    headers = headers_of(phone, "GET", "/health")
    assert "Server" not in headers and "X-Powered-By" not in headers
