"""Runs all checks of the public conformance checker scim2-tester against a server.

    SCIM_TOKEN=.. python conformance.py http://127.0.0.1:8080/scim/v2

The exit code is 1 if a check fails, if a check is skipped that conformance-skips.txt in this folder does not list, or if
that file lists a check that is not skipped.
"""

import collections
import os
import pathlib
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

# The checker derives its checks from the schemas that the server publishes, so a server with fewer schemas gets fewer
# checks.
MIN_CHECKS = 140

PASSED = {Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE}


def expected_skips():
    """Reads the lines `check [resource type]: reason` of conformance-skips.txt."""
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
    problems = []
    for result in results:
        if result.status in PASSED:
            continue
        name = " ".join(filter(None, [result.title, result.resource_type]))
        if result.status is Status.SKIPPED and name in expected:
            unused.discard(name)
            print(f"SKIPPED {name}: {expected[name]}")
            continue
        problems.append(f"{result.status.name} {name}: {result.reason}\n  {result.data!r}"[:4000])
    problems += [f"{name} is listed in conformance-skips.txt, but is not skipped" for name in sorted(unused)]
    if len(results) < MIN_CHECKS:
        problems.append(f"expected at least {MIN_CHECKS} checks, got {len(results)}")

    counts = collections.Counter(result.status.name for result in results)
    print(f"scim2-tester: {len(results)} checks: " + ", ".join(f"{n} {s}" for s, n in sorted(counts.items())))
    for line in problems:
        print(line)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
