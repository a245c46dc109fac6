from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procur.net.addresses import below, read_host, why_closed


def _words(text):
    return text.split()


CLOSED = _words("""
0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 169.254.169.254 169.254.170.2
172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.7 203.0.113.7
224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 168.63.129.16
:: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.1.2.3 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe
64:ff9b:1::1 2002:7f00:1:: 2002:a00:1::1 2002:808:808:: 2001:0:808:808::f7f7:f7f7 2001:db8::1 3fff::1
fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 100::1 5f00::1 2606:4700::5efe:7f00:1 2606:4700::200:5efe:a00:1
fe80::1%eth0 2130706433 0x7f000001 017700000001 127.1 0 localhost 1.2.3 1.2.3.4.5 01.2.3.4
""")
OPEN = _words("8.8.8.8 1.1.1.1 172.32.0.1 100.128.0.1 2606:4700:4700::1111 64:ff9b::808:808 ::ffff:8.8.8.8")


@pytest.mark.parametrize("address", CLOSED)
def test_closed_addresses(address):
    assert why_closed(address)


@pytest.mark.parametrize("address", OPEN)
def test_open_addresses(address):
    assert why_closed(address) is None


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_an_ipv4_address_is_open_only_if_python_also_calls_it_global(address):
    if why_closed(address) is None:
        assert address.is_global
        assert not address.is_multicast
    elif address.is_global:
        # Where we are stricter, it is one of the ranges that Python lets through.
        assert address.is_multicast or any(
            address in block
            for block in map(
                ip_network,
                (
                    "192.88.99.0/24",
                    "192.0.0.0/24",
                    "192.31.196.0/24",
                    "192.52.193.0/24",
                    "192.175.48.0/24",
                    "168.63.129.16/32",
                ),
            )
        )


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_no_dress_opens_a_closed_ipv4_address(inner):
    number = int(inner)
    dressed = (
        IPv6Address(0xFFFF << 32 | number),
        IPv6Address(int(IPv6Address("64:ff9b::")) | number),
        IPv6Address(0x2002 << 112 | number << 80),
        IPv6Address(0x20010000 << 96 | number << 64),
        IPv6Address(0x20010000 << 96 | number ^ 0xFFFFFFFF),
        IPv6Address(int(IPv6Address("2606:4700::5efe:0:0")) | number),
    )
    if why_closed(inner):
        assert all(why_closed(address) for address in dressed)


MAPPED, NAT64 = ip_network("::ffff:0:0/96"), ip_network("64:ff9b::/96")


@given(
    st.integers(0, 2**128 - 1).map(IPv6Address)
    | st.builds(
        lambda block, inner: block.network_address + inner,
        st.sampled_from((MAPPED, NAT64)),
        st.integers(0, 2**32 - 1),
    )
)
def test_an_ipv6_address_is_open_in_the_global_range_or_as_an_open_ipv4_address(address):
    if address in MAPPED or address in NAT64:
        assert (why_closed(address) is None) == (why_closed(IPv4Address(int(address) & 0xFFFFFFFF)) is None)
    elif why_closed(address) is None:
        assert address in ip_network("2000::/3")


def test_a_reason_does_not_name_the_address_inside():
    assert "127" not in (why_closed("64:ff9b::7f00:1") or "127")


@given(st.text(max_size=40))
def test_a_host_is_a_name_or_an_address_in_its_usual_form(text):
    read = read_host(text)
    if read is not None and read.rsplit(".", 1)[-1].isdecimal():
        assert str(ip_address(read)) == read


def test_hosts():
    assert read_host("WWW.Example.ORG.") == "www.example.org"
    assert read_host("[2001:DB8:0::1]") == "2001:db8::1"
    for odd in ("2130706433", "0x7f000001", "0x7f.0.0.1", "017700000001", "127.1", "127.0.0.0x1", "1.2.3.08"):
        assert read_host(odd) is None
    for bad in (
        "",
        ".",
        "a..b",
        "-a.org",
        "a b",
        "ex%61mple.org",
        "fe80::1%eth0",
        "a/b",
        "user@host",
        "x" * 64,
    ):
        assert read_host(bad) is None


def test_below():
    assert below("trust.acme.com", "www.acme.com")
    assert below("acme.com", "www.acme.com")
    assert not below("notacme.com", "acme.com")
    assert not below("acme.com.evil.net", "acme.com")
