"""Notifies systemd of the server's state (`sd_notify(3)`), if systemd started it."""

import logging
import os
import socket
import sys

logger = logging.getLogger(__name__)

READY = "READY=1"
STOPPING = "STOPPING=1"


def notify(*lines: str) -> None:
    """Send assignments such as `READY=1` to the socket in `NOTIFY_SOCKET`, if it is set.

    Args:
        lines: Without newlines.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if sys.platform == "win32" or not address.startswith(("/", "@")):
        return
    # A leading @ stands for the zero byte of an abstract socket name.
    where = f"\0{address[1:]}" if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
            sending.sendto("\n".join(lines).encode(), where)
    except OSError as error:
        logger.warning("systemd could not be notified of %s: %s", lines[0], error)
