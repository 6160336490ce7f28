"""Which network an address belongs to, in whatever form it is written: what a stranger may make us ask.

A place on the internet may name files on the internet. It may not make us knock at this machine, at the
network that we are in, or at a cloud's metadata (169.254.169.254).
"""

import ipaddress
import socket
from collections.abc import Iterable
from enum import IntEnum
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")


class Network(IntEnum):
    """How near a network is; what is nearer is more of our own."""

    PUBLIC = 0
    PRIVATE = 1
    LINK = 2
    MACHINE = 3


def network_of(text: str) -> Network:
    """The network of an IP address, read as what it leads to: `::ffff:127.0.0.1` is this machine."""
    address = _inner(ipaddress.ip_address(text.partition("%")[0]))
    if address.is_loopback or address.is_unspecified:
        return Network.MACHINE
    if address.is_link_local:
        return Network.LINK
    return Network.PUBLIC if address.is_global and not address.is_multicast else Network.PRIVATE


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, if it does for one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
    if inner is None and (address in _NAT64 or (address in _COMPATIBLE and int(address) > 1)):
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address


def nearest_of(addresses: Iterable[str]) -> Network:
    """The nearest network of several addresses of one host; public if there is none."""
    return max((network_of(one) for one in addresses), default=Network.PUBLIC)


def nearest_network(host: str) -> Network:
    """The nearest network that a host's name leads to, asked of the system; blocking.

    A host without an address is left to the connection, which will not be made.
    """
    try:
        found = socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return Network.PUBLIC
    return nearest_of(str(one[4][0]) for one in found)


def may_lead(home: Network, target: Network) -> bool:
    """Whether who lives on one network may name an address on another.

    What runs on this machine reaches its networks anyway. Nobody else's word leads to this machine, and
    nobody's to a link's own addresses.
    """
    if target is Network.PUBLIC or target is home:
        return True
    return home is Network.MACHINE and target is Network.PRIVATE
