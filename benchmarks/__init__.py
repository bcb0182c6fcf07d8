"""Measurements of Zettel as its users meet it: each package here is one command."""

import os
import time

os.environ["TZ"] = "UTC"  # the same figures wherever they are taken, in started processes too
time.tzset()
