"""Prints an access token of a host's token endpoint.

    axum-host client create ci | python access_token.py http://127.0.0.1:8080/oauth/token
"""

import json
import sys
import urllib.parse
import urllib.request

credentials = dict(line.strip().split("=", 1) for line in sys.stdin if "=" in line)
form = {
    "grant_type": "client_credentials",
    "client_id": credentials["client_id"],
    "client_secret": credentials["client_secret"],
    "scope": "scim",
}
with urllib.request.urlopen(sys.argv[1], urllib.parse.urlencode(form).encode()) as response:
    print(json.load(response)["access_token"])
