"""Which IP addresses may be called from here: public ones, whatever they are dressed as."""

import re
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)

Address = IPv4Address | IPv6Address

# Written out: which ranges Python's own tests know differs from version to version, and they call
# multicast, NAT64 and 6to4 addresses global.
_CLOSED_4: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(block), what)
    for block, what in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by a provider's customers"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local, where clouds keep their metadata"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "for documentation"),
        ("192.31.196.0/24", "reserved"),
        ("192.52.193.0/24", "reserved"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "reserved"),
        ("198.18.0.0/15", "for benchmarks"),
        ("198.51.100.0/24", "for documentation"),
        ("203.0.113.0/24", "for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        # In a public range, yet every machine on that cloud reaches its host there.
        ("168.63.129.16/32", "a cloud's metadata"),
    )
)
_CLOSED_6: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(block), what)
    for block, what in (
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "private"),
        ("ff00::/8", "multicast"),
        ("2001::/23", "reserved or a Teredo tunnel"),
        ("2001:db8::/32", "for documentation"),
        ("2002::/16", "a 6to4 tunnel"),
        ("2620:4f:8000::/48", "reserved"),
        ("3fff::/20", "for documentation"),
    )
)
_GLOBAL_6 = IPv6Network("2000::/3")
_MAPPED = IPv6Network("::ffff:0:0/96")
_TRANSLATED = IPv6Network("::ffff:0:0:0/96")
_COMPATIBLE = IPv6Network("::/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")
# An interface id 0:5efe or 200:5efe carries an IPv4 address behind it (ISATAP), under any prefix.
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})

_NUMBER = re.compile(r"(?:0[xX][0-9a-fA-F]*|[0-9]+)\Z")
_NAME = re.compile(r"(?=.{1,253}\Z)(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\Z")


def embedded(address: IPv6Address) -> tuple[IPv4Address, ...]:
    """Return the IPv4 addresses that an IPv6 address stands for or leads to; none for a plain one."""
    number = int(address)
    last = IPv4Address(number & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        return (IPv4Address(number >> 80 & 0xFFFFFFFF),)
    if address in _TEREDO:
        return (IPv4Address(number >> 64 & 0xFFFFFFFF), IPv4Address(int(last) ^ 0xFFFFFFFF))
    if any(address in block for block in (_MAPPED, _TRANSLATED, _NAT64)):
        return (last,)
    if address in _COMPATIBLE and number > 1:
        return (last,)
    if (number >> 32 & 0xFFFFFFFF) in _ISATAP:
        return (last,)
    return ()


def why_closed(address: str | Address) -> str | None:
    """Return why this address may not be called; None when it may.

    `address` is written the usual way ("203.0.113.7", "2001:db8::1"); any other spelling is closed.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return "not an IP address"
    return _why(found, _CLOSED_4) if isinstance(found, IPv4Address) else _why_closed_6(found)


def _why_closed_6(address: IPv6Address) -> str | None:
    if address.scope_id is not None:
        return "an address of one network card"
    for inner in embedded(address):
        if reason := _why(inner, _CLOSED_4):
            return f"an IPv4 address in disguise: {reason}"
    if address in _MAPPED or address in _NAT64:
        return None  # a public IPv4 address, as networks that speak IPv6 only write it
    return _why(address, _CLOSED_6) or (None if address in _GLOBAL_6 else "reserved")


def _why(address: Address, closed: tuple[tuple[IPv4Network | IPv6Network, str], ...]) -> str | None:
    return next((what for block, what in closed if address in block), None)


def read_host(host: str) -> str | None:
    """Return a host as it is called: a name in lower case or an IP address; None for anything else.

    "2130706433", "0x7f000001", "017700000001" and "127.1" are neither, though most resolvers read them as
    127.0.0.1.
    """
    host = host.strip("[]").casefold().removesuffix(".")
    if ":" in host:
        return str(ip_address(host)) if _is_address(host) else None
    if _NUMBER.match(host.rsplit(".", 1)[-1]):
        return host if _is_address(host) else None
    return host if _NAME.match(host) else None


def below(host: str, site: str) -> bool:
    """Tell whether a host is a site's own: the same name, or one below it ("www." does not count)."""
    name = site.removeprefix("www.")
    return host in {site, name} or host.endswith(f".{name}")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return "%" not in host
