#!/usr/bin/env python3
"""Makes the initial inputs of the fuzz targets from the cases in testdata: `python3 fuzz/seeds.py`.

Writes them to fuzz/corpus, where cargo-fuzz reads them. That folder is not part of the repository.
"""

import hashlib
import json
import pathlib
import re
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
TESTDATA = HERE.parent / "testdata"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


def seed(target, data):
    data = data.encode() if isinstance(data, str) else data
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def cases(folder):
    for file in sorted((TESTDATA / folder).glob("*.json")):
        yield from json.loads(file.read_text())["cases"]


def transcripts():
    for folder in ["http", "idp"]:
        for file in sorted((TESTDATA / folder).glob("*.json")):
            yield json.loads(file.read_text())


def paths_of(operations):
    for operation in operations if isinstance(operations, list) else []:
        if isinstance(operation, dict) and isinstance(operation.get("path"), str):
            yield operation["path"]


def filters():
    for case in cases("filter"):
        for key in ["filter", "rule"]:
            if isinstance(case.get(key), str):
                seed("filter", case[key])
        for key in ["path", "filter"]:
            if isinstance(case.get(key), str):
                seed("patch_path", case[key])


def patches():
    for case in cases("patch"):
        message = case.get("message", {"schemas": [PATCH_OP], "Operations": case.get("operations")})
        resource = dict(case.get("resource") or {})
        resource.setdefault("schemas", [GROUP if "members" in resource or case.get("type") == "Group" else USER])
        resource.setdefault("displayName" if GROUP in resource["schemas"] else "userName", "a")
        for first in ["", compact(resource)]:
            seed("patch_apply", f"{first}\n{compact(message)}")
        if isinstance(message, dict):
            for path in paths_of(message.get("Operations")):
                seed("patch_path", path)


def requests():
    """Seeds of transcripts, in groups of eight requests, and of the filters, patches and operations that they contain."""
    for transcript in transcripts():
        created = []

        def fill(text):
            def reference(match):
                name = match.group(1)
                return f"${created.index(name)}" if name in created[:10] else "unknown"

            text = re.sub(r"{{id\.([^}]*)}}", reference, text)
            text = text.replace("{{base}}", "https://example.com/scim/v2")
            return re.sub(r"{{[^}]*}}", "*", text)

        requests_in_seed = []
        for step in transcript["steps"]:
            request, response = step["request"], step["response"]
            if len(requests_in_seed) == 8:
                seed("request", "\n%%\n".join(requests_in_seed))
                requests_in_seed, created = requests_in_seed[:3], created[:3]
            lines = [f"{request['method']} {fill(request['path'])}"]
            for name, value in {"content-type": "application/scim+json", **request.get("headers", {})}.items():
                if value is not None:
                    lines.append(f"{name}: {fill(value)}")
            body = request.get("body", "")
            body = fill(body if isinstance(body, str) else compact(body))
            requests_in_seed.append("\n".join([*lines, "", body]))
            seed("request", requests_in_seed[-1])

            query = urllib.parse.urlsplit(request["path"]).query
            for value in urllib.parse.parse_qs(query).get("filter", []):
                seed("filter", fill(value))
            message = request.get("body")
            if request["method"] == "PATCH" and isinstance(message, dict):
                seed("patch_apply", "\n" + re.sub(r"\$[3-9]", "$1", body))
                for path in paths_of(message.get("Operations")):
                    seed("patch_path", fill(path))
            if request["method"] in ["POST", "PATCH", "PUT"] and isinstance(message, dict):
                path = re.sub(r"\$[3-9]|unknown", "$0", fill(request["path"]))
                operation = {"method": request["method"], "path": path, "bulkId": "a", "data": json.loads(body)}
                link = {"op": "add", "path": "members", "value": [{"value": "bulkId:a"}]}
                second = {"method": "PATCH", "path": "/Groups/$2", "data": {"schemas": [PATCH_OP], "Operations": [link]}}
                seed("bulk", compact({"schemas": [BULK], "failOnErrors": 1, "Operations": [operation, second]}))
            resource = response.get("body")
            if response["status"] == 201 and isinstance(resource, dict):
                identifier = re.match(r"{{id\.(.*)}}", str(resource.get("id")))
                created.append(identifier.group(1) if identifier else "?")
        prefix = "strict\n" if transcript["profile"] == "strict" else ""
        seed("request", prefix + "\n%%\n".join(requests_in_seed))
    for line in [
        "GET /Users?count=2&cursor=\n\n",
        "GET ?filter=meta.resourceType+eq+%22User%22&sortBy=id\naccept: application/json\n\n",
        'POST /.search\ncontent-type: application/scim+json\n\n{"schemas":["urn:ietf:params:scim:api:messages:2.0:'
        'SearchRequest"],"filter":"id pr","sortBy":"userName","startIndex":1,"count":2,"attributes":["userName"]}',
        "HEAD /Schemas\n\n",
        "GET /Me\nif-none-match: W/\"1\", *\n\n",
        "OPTIONS /Users\norigin: https://example.com\n\n",
    ]:
        seed("request", line)
        seed("request", "strict\n" + line)


def bulk():
    """Seeds with references to later and earlier operations, circular ones, and references to the same or to no operation."""

    def group(name, *members):
        members = [{"value": f"bulkId:{member}"} for member in members]
        data = {"schemas": [GROUP], "displayName": name, "members": members}
        return {"method": "POST", "path": "/Groups", "bulkId": name, "data": data}

    def user(name, manager=None):
        extension = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
        data = {"schemas": [USER, extension], "userName": name}
        if manager:
            data[extension] = {"manager": {"value": f"bulkId:{manager}"}}
        return {"method": "POST", "path": "/Users", "bulkId": name, "data": data}

    requests = [
        [user("a"), group("g", "a")],
        [group("g", "a"), user("a")],
        [user("a", "b"), user("b", "a")],
        [user("a", "b"), user("b", "c"), user("c", "a"), user("a")],
        [group("g", "h"), group("h", "g")],
        [group("g", "g"), user("a", "nobody")],
        [user("a"), {"method": "DELETE", "path": "/Users/bulkId:a"}, group("g", "a")],
        [{"method": "DELETE", "path": "/Users/$0", "version": 'W/"1"'}, {"method": "DELETE", "path": "/Groups/$2"}],
        [{"method": "PUT", "path": "/Users/$0", "data": {"schemas": [USER], "userName": "anna"}}, {"method": "GET"}],
    ]
    for operations in requests:
        seed("bulk", compact({"schemas": [BULK], "Operations": operations}))
        seed("bulk", compact({"schemas": [BULK], "failOnErrors": 1, "Operations": operations}))


def cursors():
    for count in [0, 1, 3, 5, 12, 13]:
        for sort in range(7):
            for flags in [0, 0x40, 0x80]:
                seed("cursor", bytes([count | flags, sort]) + b"\x00\x01\x20\x03")


def words():
    """Writes the dictionary of names and keywords, which libFuzzer inserts into inputs."""
    found = {"$0", "$1", "$2", "bulkId:a", "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr", "and", "or"}
    found |= {"not (", "[", "].", "add", "remove", "replace", "true", "false", "null", "sortBy=", "sortOrder=descending"}
    found |= {"attributes=", "excludedAttributes=", "startIndex=", "count=", "cursor=", "filter=", "/.search", "/Bulk", "/Me"}

    def names(value):
        if isinstance(value, dict):
            found.update(value)
            for inner in value.values():
                names(inner)
        elif isinstance(value, list):
            for inner in value:
                names(inner)

    for transcript in transcripts():
        for step in transcript["steps"]:
            names(step["request"].get("body"))
    lines = [json.dumps(word) for word in sorted(found) if word.isascii() and 1 < len(word) < 64 and word.isprintable()]
    (HERE / "corpus" / "words.dict").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    filters()
    patches()
    requests()
    bulk()
    cursors()
    words()
    for folder in sorted(path for path in (HERE / "corpus").iterdir() if path.is_dir()):
        print(f"{folder.name}: {len(list(folder.iterdir()))} inputs")
