"""Telling systemd how the server is (`sd_notify(3)`): a datagram, and nothing where nobody asks."""

import logging
import os
import socket
import sys

logger = logging.getLogger(__name__)

READY = "READY=1"
STOPPING = "STOPPING=1"


def notify(*lines: str) -> None:
    """Send assignments such as `READY=1` to whoever started this process and wants to know.

    Args:
        lines: Without line ends.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if sys.platform == "win32" or not address.startswith(("/", "@")):
        return
    # A name that begins with @ is one of the abstract namespace, which is written with a zero.
    where = f"\0{address[1:]}" if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
            sending.sendto("\n".join(lines).encode(), where)
    except OSError as error:
        logger.warning("systemd could not be told %s: %s", lines[0], error)
