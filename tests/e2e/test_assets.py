"""The files of the pages: small on the wire, and asked for again only when they changed."""

import gzip
import re

import pytest

PATHS = ["/simulator", "/web/dashboard.js", "/web/dashboard.css", "/web/icon.svg", "/web/page.css"]


def get(phone, path, method="GET", **headers):
    phone.connection.request(method, path, None,
                             {name.replace("_", "-"): value for name, value in headers.items()})
    response = phone.connection.getresponse()
    response.body = response.read()
    return response


@pytest.fixture(params=PATHS)
def path(request):
    return request.param


def test_a_file_comes_compressed_to_those_who_take_it(phone, path):
    plain = get(phone, path)
    packed = get(phone, path, Accept_Encoding="gzip, deflate, br")
    assert (plain.status, packed.status) == (200, 200)
    assert "Content-Encoding" not in plain.headers and packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"


def test_a_browser_asks_each_time_and_is_told_when_it_has_the_file(phone, path):
    tags = set()
    for encoding in ("identity", "gzip"):
        response = get(phone, path, Accept_Encoding=encoding)
        assert response.headers["Cache-Control"] == "no-cache"
        tag = response.headers["ETag"]
        assert re.fullmatch(r'"[0-9a-f]{24}"', tag)
        tags.add(tag)
        for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
            again = get(phone, path, Accept_Encoding=encoding, If_None_Match=known)
            assert (again.status, again.body) == (304, b"")
            assert again.headers["ETag"] == tag and again.headers["Vary"] == "Accept-Encoding"
            # What a page may do is not taken back by the answer that it is the same.
            assert again.headers["Content-Security-Policy"] == response.headers["Content-Security-Policy"]
        assert get(phone, path, Accept_Encoding=encoding, If_None_Match='"other"').status == 200
    assert len(tags) == 2, "two forms, two names"


def test_a_head_says_the_same_without_the_file(phone, path):
    response = get(phone, path, "HEAD")
    assert (response.status, response.body) == (200, b"") and "ETag" in response.headers


def test_a_file_takes_no_post(phone, path):
    response = get(phone, path, "POST")
    assert response.status == 405 and response.headers["Allow"] == "GET, HEAD, OPTIONS"


def test_files_know_their_type_and_only_pages_may_run_scripts(phone):
    types = {"/simulator": "text/html", "/web/page.css": "text/css", "/web/dom.js": "text/javascript",
             "/web/icon.svg": "image/svg+xml"}
    for path, content_type in types.items():
        response = get(phone, path)
        assert response.headers.get_content_type() == content_type
        policy = response.headers["Content-Security-Policy"]
        assert ("default-src 'self'" if path == "/simulator" else "default-src 'none'") in policy


@pytest.mark.parametrize("path", ["/web/", "/web", "/web/dashboard.html", "/web/../web/dom.js",
                                  "/web/%64om.js", "/web/dom.js/", "//web/dom.js"])
def test_there_is_nothing_but_the_files(phone, path):
    assert get(phone, path).status == 404


def test_pages_hold_no_script_and_no_style_of_their_own(root):
    """The policy forbids them, so they would silently do nothing."""
    for page in (root / "server/web").glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)", text), page
        assert not re.search(r"(?:src|href|action)=\"(?!/|#)", text), page


def test_every_file_is_served_and_every_file_served_is_named_by_a_page(root, phone):
    pages = "".join(page.read_text(encoding="utf-8") for page in (root / "server/web").glob("*.html"))
    for file in (root / "server/web").iterdir():
        if file.suffix != ".html":
            assert f'"/web/{file.name}"' in pages, file
            assert get(phone, f"/web/{file.name}").body == file.read_bytes()


# A text in C or JavaScript, on one line; of templates their text too.
TEXTS = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`\n]*')
LONELY = re.compile(r"\w\)?(?:}|%s)? [:;!?»](?= |\\n|[\"`$<]|$)|« ")


def texts_of(path):
    text = path.read_text()
    return text.splitlines() if path.suffix == ".html" else TEXTS.findall(text)


def test_no_french_mark_can_begin_a_line(root):
    """People read `:` `;` `!` `?` and guillemets behind a space that does not break."""
    paths = [path for path in (root / "server").rglob("*")
             if path.suffix in (".c", ".h", ".js", ".html")]
    found = [f"{path.name}: {text}" for path in paths for text in texts_of(path)
             if LONELY.search(text) and "without ? and #" not in text]
    assert len(paths) > 100 and found == []
