from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import pytest

from procur.core.errors import Unavailable
from procur.net.client import GuardedClient
from procur.net.errors import Refused
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
