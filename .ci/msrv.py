"""Fails if a dependency of a library declares a newer Rust version than the library itself.

Reads the output of `cargo metadata` from standard input. Ignores the dependencies of tests. Lists the dependencies that
declare no version, such as some database drivers: only a compilation shows which Rust they need.
"""

import json
import sys


def version(text):
    return tuple(int(part) for part in (text.split(".") + ["0", "0"])[:3])


def main(libraries):
    metadata = json.load(sys.stdin)
    packages = {package["id"]: package for package in metadata["packages"]}
    edges = {
        node["id"]: [d["pkg"] for d in node["deps"] if any(kind["kind"] != "dev" for kind in d["dep_kinds"])]
        for node in metadata["resolve"]["nodes"]
    }
    too_new = 0
    for library in libraries:
        root = next(p for p in packages.values() if p["name"] == library and p["source"] is None)
        reached, queue = set(), [root["id"]]
        while queue:
            package = queue.pop()
            if package not in reached:
                reached.add(package)
                queue += edges[package]
        newer = [
            f"{p['name']} {p['version']} needs {p['rust_version']}"
            for p in map(packages.get, reached)
            if p["rust_version"] and version(p["rust_version"]) > version(root["rust_version"])
        ]
        too_new += len(newer)
        print(f"{library}: Rust {root['rust_version']}, {len(reached) - 1} dependencies", *newer, sep="\n  ")
        undeclared = sorted(p["name"] for p in map(packages.get, reached) if not p["rust_version"])
        print(f"  {len(undeclared)} of them declare no Rust version: {', '.join(undeclared)}")
    return 1 if too_new else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
