import gzip
import socket
import threading
import time
import zlib
from itertools import count

import pytest

from procur.core.errors import InvalidInput, NotAllowed, Unavailable
from procur.net.client import Answer, GuardedClient
from procur.net.errors import Refused
from procur.net.settings import NetSettings


def client_for(*places, resolver=None, **settings):
    settings = NetSettings(allow=",".join(places), total_timeout=settings.pop("total_timeout", 5), **settings)
    return GuardedClient(settings) if resolver is None else GuardedClient(settings, resolver=resolver)


def test_an_allowed_inside_server_is_called_and_its_neighbours_are_not(pages):
    pages.put("/", "<p>Gr\u00fc\u00dfe</p>".encode("latin-1"), kind="text/html; charset=iso-8859-1")
    answer = client_for(pages.place).get(pages.url("/"))
    assert (answer.status, answer.text, answer.content_type) == (200, "<p>Grüße</p>", "text/html")
    assert pages.asked[0].headers["host"] == pages.place
    with pytest.raises(Refused, match="port"):
        client_for().get(pages.url("/"))
    with pytest.raises(Refused, match="loopback"):
        client_for(ports=(pages.port,)).get(pages.url("/"))
    with pytest.raises(Refused, match="loopback"):
        client_for(f"other.example:{pages.port}", ports=(pages.port,)).get(f"http://localhost:{pages.port}/")
    assert len(pages.asked) == 1
    assert issubclass(Refused, NotAllowed)  # so that a job that meets it is not tried again


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/", "file:///etc/hosts", "gopher://example.org", "//example.org", "example.org", "",
        "http://user:word@example.org/", "http://user@example.org/", "http://2130706433/", "http://0x7f000001/",
        "http://017700000001/", "http://127.1/", "http://0/", "http://[::ffff:127.0.0.1]/", "http://[::1]/",
        "http://127.0.0.1./", "http://[fe80::1%25eth0]/", "http://example.org:22/", "http://exa mple.org/",
        "http:///path", "http://１２７.0.0.1/", "http://x.org/" + "a" * 3000, "http://a\nb.org/",
        "http://169.254.169.254/latest/meta-data/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/",
    ],
)  # fmt: skip
def test_addresses_that_are_never_called(url):
    with pytest.raises(Refused):
        client_for().get(url)


def test_every_address_of_a_name_is_checked(pages):
    for found in (["8.8.8.8", "10.0.0.1"], ["127.0.0.1"], ["::ffff:169.254.169.254"], ["2002:7f00:1::"]):
        with pytest.raises(Refused, match="not called"):
            client_for(resolver=lambda *_, f=found: f).get("http://rebound.example/")
    with pytest.raises(Refused, match="no host"):
        client_for(resolver=lambda *_: []).get("http://nobody.example/")


def test_a_name_is_resolved_once_and_the_connection_goes_where_the_check_went(pages, monkeypatch):
    # First a public address, then loopback: what a rebinding name server answers.
    answers, connected = iter([["198.41.0.4"], ["127.0.0.1"]]), []

    def connect(address, *_, **__):
        connected.append(address)
        raise ConnectionRefusedError("nobody there")

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(Unavailable, match="cannot be reached"):
        client_for(resolver=lambda *_: next(answers)).get("http://rebound.example/")
    assert connected == [("198.41.0.4", 80)]


def test_the_name_is_kept_for_the_server(pages):
    pages.put("/", "ok")
    place = f"shop.example:{pages.port}"
    assert client_for(place, resolver=lambda *_: ["127.0.0.1"]).get(f"http://{place}/").text == "ok"
    assert pages.asked[0].headers["host"] == place


def test_redirects_are_checked_one_by_one(pages):
    pages.put("/end", "there")
    pages.redirect("/1", "/2", 301)
    pages.redirect("/2", pages.url("/end"), 307)
    answer = client_for(pages.place).get(pages.url("/1"), headers={"X-Key": "k"})
    assert (answer.url, answer.hops) == (pages.url("/end"), (pages.url("/1"), pages.url("/2")))
    for number, target in enumerate(
        (
            "http://169.254.169.254/",
            "http://10.0.0.1/",
            "http://localhost:1/",
            "file:///etc/passwd",
            "http://[::1]/",
        )
    ):
        pages.redirect(f"/in/{number}", target)
        with pytest.raises(Refused):
            client_for(pages.place).get(pages.url(f"/in/{number}"))
    pages.redirect("/loop", "/loop")
    with pytest.raises(Refused, match="more than 5"):
        client_for(pages.place).get(pages.url("/loop"))
    assert pages.paths().count("/loop") == 6


def test_a_callers_headers_stay_with_the_server_they_were_for(pages):
    other = f"other.example:{pages.port}"
    pages.redirect("/away", f"http://{other}/end")
    pages.put("/end", "there")
    client = client_for(pages.place, other, resolver=lambda *_: ["127.0.0.1"])
    client.get(pages.url("/away"), headers={"Authorization": "Bearer secret"})
    assert [each.headers.get("authorization") for each in pages.asked] == ["Bearer secret", None]
    with pytest.raises(Refused, match="header"):
        client.get(pages.url("/end"), headers={"Host": "inside"})


def test_a_post_is_answered_and_not_redirected(pages):
    pages.redirect("/hook", "http://169.254.169.254/", 307)
    answer = client_for(pages.place).post(pages.url("/hook"), b'{"a": 1}', headers={"X-Signature": "s"})
    assert (answer.status, pages.asked[0].method, pages.asked[0].body) == (307, "POST", b'{"a": 1}')
    pages.put("/long", b"x" * 100_000, status=500, Content_Encoding="br")
    answer = client_for(pages.place).post(pages.url("/long"), b"")
    assert (answer.status, answer.whole) == (500, False)
    with pytest.raises(Unavailable):
        answer.required()


def test_what_is_too_large_is_refused_before_it_is_held(pages):
    client = client_for(pages.place, max_bytes=50_000)
    pages.put("/huge", b"x" * 60_000)
    pages.put("/bomb", gzip.compress(bytes(50_000_000)), Content_Encoding="gzip")
    pages.put("/deflate", zlib.compress(bytes(50_000_000)), Content_Encoding="deflate")

    def endless(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        handler.end_headers()
        for _ in count():
            handler.wfile.write(b"x" * 10_000)

    pages.pages["/endless"] = endless
    for path in ("/huge", "/bomb", "/deflate", "/endless"):
        with pytest.raises(Refused, match="larger"):
            client.get(pages.url(path))
    pages.put("/packed", gzip.compress(b"fine"), Content_Encoding="gzip")
    assert client.get(pages.url("/packed")).text == "fine"
    pages.put("/broken", gzip.compress(b"x" * 9000)[:40], Content_Encoding="gzip")
    pages.put("/other", b"?", Content_Encoding="br")
    for path in ("/broken", "/other"):
        with pytest.raises(Refused):
            client.get(pages.url(path))


def test_what_is_of_another_kind_is_refused(pages):
    pages.put("/picture", b"\x89PNG", kind="image/png")
    with pytest.raises(Refused, match="image/png, not text/html"):
        client_for(pages.place).get(pages.url("/picture"), accept=("text/html",))


def test_a_slow_server_does_not_hold_a_worker(pages):
    over = threading.Event()

    def drip(handler):
        # A byte now and then, so that no single wait is long.
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-Slow: ")
        while not over.wait(0.02):
            handler.wfile.write(b"x")

    pages.pages["/drip"] = drip
    with pytest.raises(Unavailable, match="in time"):
        client_for(pages.place, total_timeout=0.3).get(pages.url("/drip"))
    over.set()


def test_what_may_pass_and_what_will_not(pages):
    client = client_for(pages.place)
    for status, error in (
        (404, Refused),
        (403, Refused),
        (410, Refused),
        (429, Unavailable),
        (503, Unavailable),
    ):
        pages.put("/", "sorry", status=status, Retry_After="120")
        with pytest.raises(error, match=str(status)) as caught:
            client.get(pages.url("/")).required()
        assert caught.value.details == {"status": status, "retry_after": 120.0}
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(Unavailable, match="cannot be reached"):
            client_for(place).get(f"http://{place}/")

    def fails(*_):
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    def nobody(*_):
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    with pytest.raises(Unavailable, match="resolved"):
        client_for(resolver=fails).get("http://a.example/")
    with pytest.raises(Refused, match="no host"):
        client_for(resolver=nobody).get("http://a.example/")


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("PROCUR_NET_ALLOW", "intranet.example:8443, [::1]:9000")
    monkeypatch.setenv("PROCUR_NET_PORTS", "443")
    settings = NetSettings()
    assert settings.inside == {("intranet.example", 8443), ("::1", 9000)}
    assert settings.ports == (443,)
    for name, value in (("ALLOW", "intranet"), ("ALLOW", "a:0"), ("PORTS", "http"), ("MAX_BYTES", "-1")):
        monkeypatch.setenv(f"PROCUR_NET_{name}", value)
        with pytest.raises(InvalidInput, match=f"PROCUR_NET_{name}"):
            NetSettings()
        monkeypatch.delenv(f"PROCUR_NET_{name}")


def test_a_refusal_names_no_inside_address_but_the_log_does(caplog):
    with pytest.raises(Refused) as refused:
        client_for(resolver=lambda *_: ["10.11.12.13"]).get("http://intranet.example/")
    assert "10.11" not in f"{refused.value.message} {refused.value.hint} {refused.value.details}"
    assert "10.11.12.13" in str(vars(caplog.records[-1]))


def test_a_name_that_is_not_resolved_in_time_does_not_hold_a_call_up():
    release = threading.Event()

    def stuck(*_):
        release.wait(60)
        return ["8.8.8.8"]

    for settings in ({"connect_timeout": 0.2}, {"total_timeout": 0.2}):
        client = client_for(resolver=stuck, **settings)
        for call in (client.get, client.check):
            start = time.monotonic()
            with pytest.raises(Unavailable, match="not resolved in time"):
                call("http://slow.example/")
            assert time.monotonic() - start < 5
    release.set()


def test_only_charsets_that_pages_are_written_in_are_read():
    for name, body, text in (
        ("windows-1252", b"\x80", "€"), ("Shift_JIS", b"\x92\x83", "茶"), ('"utf-8"', b"\xef\xbb\xbfa", "a"),
        ("punycode", b"a-b", "a-b"), ("unicode_escape", rb"\u0041", r"\u0041"), ("zlib", b"a", "a"),
    ):  # fmt: skip
        assert Answer("u", 200, {"content-type": f"text/html; charset={name}"}, body).text == text
