import gzip
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import pytest

from procur.core.errors import Unavailable
from procur.net.client import GuardedClient
from procur.net.errors import NotYourTurn, Refused
from procur.net.manners import Manners, RobotsForbid
from procur.net.settings import NetSettings

DAY = 24 * 3600


class Hours:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.now = 1000.0
        self.slept = []
        self._lock = Lock()

    def sleep(self, seconds):
        with self._lock:
            self.slept.append(seconds)
            self.now += seconds


@pytest.fixture
def hours():
    return Hours()


@pytest.fixture
def manners(pages, hours):
    settings = NetSettings(allow=pages.place, rate=2)
    return Manners(GuardedClient(settings), clock=lambda: hours.now, sleep=hours.sleep)


def test_what_robots_forbid_is_not_asked_for(pages, manners):
    rules = ("User-agent: *", "Disallow: /private", "Disallow: /*?q=", "Allow: /private/open")
    pages.put("/robots.txt", "\n".join((*rules, "", "User-agent: other", "Disallow: /")), kind="text/plain")
    for path in ("/a", "/private/open"):
        pages.put(path, "fine")
        assert manners.get(pages.url(path)).text == "fine"
    pages.redirect("/round", "/private/b")
    for path in ("/private/b", "/a?q=1", "/round"):
        with pytest.raises(RobotsForbid, match=r"robots\.txt"):
            manners.get(pages.url(path))
    assert "/private/b" not in pages.paths()
    assert pages.paths().count("/robots.txt") == 1


def test_rules_are_for_whom_they_name(pages, hours):
    pages.put("/robots.txt", "User-agent: procur\nDisallow: /\n\nUser-agent: *\nAllow: /", kind="text/plain")
    client = GuardedClient(NetSettings(allow=pages.place, rate=1000))
    with pytest.raises(RobotsForbid):
        Manners(client, clock=lambda: hours.now, sleep=hours.sleep).get(pages.url("/"))


def test_rules_that_are_missing_allow_and_rules_out_of_reach_do_not(pages, manners, hours):
    pages.put("/a", "fine")
    pages.put("/robots.txt", "down", status=503)
    with pytest.raises(Unavailable, match="robots"):
        manners.get(pages.url("/a"))
    pages.put("/robots.txt", "gone", status=404)
    with pytest.raises(Unavailable, match="robots"):
        manners.get(pages.url("/a"))  # not asked again at once
    assert pages.paths() == ["/robots.txt"]
    hours.now += 301
    assert manners.get(pages.url("/a")).text == "fine"
    pages.put("/robots.txt", "User-agent: *\nDisallow: /", kind="text/plain")
    assert manners.get(pages.url("/a")).text == "fine"  # kept for a day
    hours.now += DAY
    with pytest.raises(RobotsForbid):
        manners.get(pages.url("/a"))


def test_a_robots_txt_without_end_is_read_at_its_start(pages, manners):
    pages.put("/robots.txt", b"User-agent: *\nDisallow: /no\n" + b"# more\n" * 200_000, kind="text/plain")
    with pytest.raises(RobotsForbid):
        manners.get(pages.url("/no"))


def test_one_host_is_not_hurried_whoever_asks(pages, manners, hours):
    pages.put("/a", "fine")
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(manners.get, [pages.url("/a")] * 6))
    # 6 pages and at least one robots.txt, half a second apart.
    assert hours.now - 1000.0 >= 3.0 - 1e-9
    slow = "User-agent: *\nCrawl-delay: 7\n"
    hours.now += DAY + 1
    pages.put("/robots.txt", slow, kind="text/plain")
    hours.slept.clear()
    for _ in range(3):
        manners.get(pages.url("/a"))
    assert hours.slept == [0.5, 7.0, 7.0]


def test_a_page_that_leads_inside_is_refused(pages, manners):
    pages.redirect("/in", "http://169.254.169.254/latest")
    with pytest.raises(Refused, match="link-local"):
        manners.get(pages.url("/in"))
    pages.redirect("/loop", "/loop")
    with pytest.raises(Refused, match="too many"):
        manners.get(pages.url("/loop"))


@pytest.mark.parametrize("packed", ["br", "gzip, gzip", "truncated"])
def test_rules_that_cannot_be_unpacked_do_not_allow(pages, manners, hours, packed):
    rules = gzip.compress(b"User-agent: *\nDisallow: /private\n")
    pages.put("/private", "secret")
    if packed == "truncated":
        pages.put("/robots.txt", rules[:-6], kind="text/plain", Content_Encoding="gzip")
    else:
        pages.put("/robots.txt", gzip.compress(rules), kind="text/plain", Content_Encoding=packed)
    with pytest.raises(Unavailable, match="cannot be read"):
        manners.get(pages.url("/private"))
    pages.put("/robots.txt", rules, kind="text/plain", Content_Encoding="gzip")
    hours.now += 301
    with pytest.raises(RobotsForbid):
        manners.get(pages.url("/private"))
    assert "/private" not in pages.paths()


def test_a_refusal_is_not_kept_as_if_there_were_no_rules(pages, hours):
    place, found = f"shop.example:{pages.port}", [["10.0.0.1"]]
    pages.put("/robots.txt", "User-agent: *\nDisallow: /private", kind="text/plain")
    pages.put("/private", "secret")

    def resolver(*_):
        return found[0]

    client = GuardedClient(NetSettings(ports=(pages.port,), rate=1000), resolver=resolver)
    manners = Manners(client, clock=lambda: hours.now, sleep=hours.sleep)
    with pytest.raises(Refused, match="private"):
        manners.get(f"http://{place}/private")
    allowed = GuardedClient(NetSettings(allow=place, rate=1000), resolver=resolver)
    found[0], manners.client = ["127.0.0.1"], allowed
    with pytest.raises(RobotsForbid):
        manners.get(f"http://{place}/private")
    pages.redirect("/robots.txt", "/robots.txt")
    hours.now += DAY + 1
    assert manners.get(f"http://{place}/private").text == "secret"  # they lead nowhere, so there are none


@pytest.mark.parametrize("way", ["/x/../private", "/./private", "/%70rivate", "/private#open"])
def test_rules_are_asked_about_the_address_that_is_fetched(pages, manners, way):
    pages.put("/robots.txt", "User-agent: *\nDisallow: /private", kind="text/plain")
    with pytest.raises(RobotsForbid):
        manners.get(pages.url(way))
    assert pages.paths() == ["/robots.txt"]


def test_a_turn_that_is_far_off_is_given_back(pages, hours):
    pages.put("/robots.txt", "User-agent: *\nCrawl-delay: 60", kind="text/plain")
    pages.put("/a", "fine")
    client = GuardedClient(NetSettings(allow=pages.place, rate=1000))
    manners = Manners(client, clock=lambda: hours.now, sleep=hours.slept.append)  # all ask at once
    manners.get(pages.url("/a"))
    manners.get(pages.url("/a"))
    for _ in range(20):
        with pytest.raises(NotYourTurn) as later:
            manners.get(pages.url("/a"))
        assert later.value.seconds == pytest.approx(120, abs=0.01)
    assert max(hours.slept) <= 90
    hours.now += 120.01
    assert manners.get(pages.url("/a")).text == "fine"
