"""Runs the public conformance checker scim2-tester against a server, every check of it.

    SCIM_TOKEN=.. python conformance.py http://127.0.0.1:8080/scim/v2

Ends with exit code 1 if a check fails, or is skipped without a reason in conformance-skips.txt beside
this file, or if a reason is there that is not needed any more.
"""

import collections
import os
import pathlib
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

# The checker takes its checks from what the server publishes, so a server that published less than the
# standard schemas would be checked for less.
AT_LEAST = 140

GOOD = {Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE}


def expected_skips():
    """The lines `check [resource type]: reason` of the list."""
    text = pathlib.Path(__file__).with_name("conformance-skips.txt").read_text()
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return {name.strip(): reason.strip() for name, reason in (line.split(":", 1) for line in lines)}


def main(url):
    headers = {"Authorization": f"Bearer {os.environ['SCIM_TOKEN']}"}
    client = SyncSCIMClient(Client(base_url=url, headers=headers))
    client.check_response_status_codes = True
    client.check_response_content_type = True
    results = check_server(client)

    expected = expected_skips()
    unused = set(expected)
    wrong = []
    for result in results:
        if result.status in GOOD:
            continue
        name = " ".join(filter(None, [result.title, result.resource_type]))
        if result.status is Status.SKIPPED and name in expected:
            unused.discard(name)
            print(f"SKIPPED {name}: {expected[name]}")
            continue
        wrong.append(f"{result.status.name} {name}: {result.reason}\n  {result.data!r}"[:4000])
    wrong += [f"{name} is listed as skipped, but is not" for name in sorted(unused)]
    if len(results) < AT_LEAST:
        wrong.append(f"only {len(results)} checks, of at least {AT_LEAST}")

    counts = collections.Counter(result.status.name for result in results)
    print(f"scim2-tester: {len(results)} checks: " + ", ".join(f"{n} {s}" for s, n in sorted(counts.items())))
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
