"""Whether the server in this container is well: for the image's HEALTHCHECK, and for probes.

Asks over loopback, where no token is needed and any certificate of the server's own will do.
"""

import os
import ssl
import sys
import urllib.error
import urllib.request

TIMEOUT_S = 5
"""Of one question; the image's HEALTHCHECK gives up after 10."""


def main() -> int:
    """Ask `/health`; 0 if the server is well, else 1 and why on standard error."""
    port = os.environ.get("ZETTEL_PORT") or "8377"
    scheme = "https" if os.environ.get("ZETTEL_TLS_CERT") else "http"
    # The certificate is for the name that clients use, not for this address.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    url = f"{scheme}://127.0.0.1:{port}/health"
    try:
        urllib.request.urlopen(url, timeout=TIMEOUT_S, context=context).close()
    except (OSError, urllib.error.URLError) as error:
        sys.stderr.write(f"{url}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
