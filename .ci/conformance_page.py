"""Writes docs/conformance.md, or checks that it is up to date.

    .ci/conformance_page.py            fails if the page or its sources have an error
    .ci/conformance_page.py --write    writes the page

The sources are the statements of the RFCs in testdata/conformance, and the cases in testdata that name the statements
which they prove, in a member `proves`. A statement can also name Rust tests, in a member `tests`.
"""

import collections
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
STATEMENTS = ROOT / "testdata" / "conformance"
PAGE = ROOT / "docs" / "conformance.md"
COMMAND = "python3 .ci/conformance_page.py --write"

# Statements with one of these levels need a case or a test if they are done.
OBLIGATORY = ["MUST", "MUST NOT", "SHALL", "SHALL NOT", "REQUIRED"]
LEVELS = OBLIGATORY + ["SHOULD", "SHOULD NOT", "RECOMMENDED", "MAY", "OPTIONAL"]
STATUSES = {
    "done": "the library does it",
    "in part": "the library does a part of it, and the table says which",
    "not done": "the library does not do it, and the table says why",
    "not offered": "it is optional, and the library does not have it",
    "host": "the application that uses the library decides or does it",
    "client": "it is a rule for clients",
    "not applicable": "it is no rule for a running service",
}
# What a statement with one of these statuses says needs no case.
ELSEWHERE = ["client", "not applicable"]
MEMBERS = ["id", "section", "level", "statement", "applies", "status", "what", "tests", "untested"]


class Checker:
    """Collects errors, so that one run reports all of them."""

    def __init__(self):
        self.errors = []

    def require(self, condition, message):
        if not condition:
            self.errors.append(message)


def read_statements(checker):
    """Returns the documents with their statements, and the statements by their id."""
    documents, by_id = [], {}
    for path in sorted(STATEMENTS.glob("rfc*.json")):
        document = json.loads(path.read_text())
        number = path.stem.removeprefix("rfc")
        documents.append((number, document))
        for statement in document["statements"]:
            name = statement.get("id", f"a statement without an id in {path.name}")
            checker.require(name not in by_id, f"{name} is there twice")
            by_id[name] = statement
            unknown = [member for member in statement if member not in MEMBERS]
            checker.require(not unknown, f"{name} has unknown members: {unknown}")
            missing = [member for member in MEMBERS[:6] if not statement.get(member)]
            checker.require(not missing, f"{name} lacks {missing}")
            begin = f"{number}-{statement.get('section')}-"
            checker.require(name.startswith(begin), f"the id {name} must begin with {begin}")
            level, status = statement.get("level"), statement.get("status")
            checker.require(level in LEVELS, f"{name} has the unknown level {level}")
            checker.require(status in STATUSES, f"{name} has the unknown status {status}")
            explained = status == "done" or status in ELSEWHERE or statement.get("what")
            checker.require(explained, f"{name} is `{status}`, so `what` must say more")
    return documents, by_id


def label(case):
    """Returns the text that identifies a case in its file, or None for a whole file."""
    return next((case[member] for member in ("name", "rule", "filter", "path") if member in case), None)


def read_tags(checker, by_id):
    """Returns for each statement the files and cases that prove it, in the order of the files."""
    proofs = collections.defaultdict(lambda: collections.defaultdict(list))

    def visit(value, path, is_root):
        if isinstance(value, list):
            for item in value:
                visit(item, path, False)
        elif isinstance(value, dict):
            case = None if is_root else label(value)
            named = is_root or case is not None or "proves" not in value
            checker.require(named, f"{path}: a case with `proves` has neither a name, a rule, a filter nor a path")
            for name in value.get("proves", []):
                checker.require(name in by_id, f"{path}: `{case}` proves {name}, which is no statement")
                status = by_id.get(name, {}).get("status")
                checker.require(status not in ELSEWHERE, f"{path}: `{case}` proves {name}, which is `{status}`")
                checker.require(case not in proofs[name][path], f"{path}: `{case}` proves {name} twice")
                proofs[name][path].append(case)
            for member in value.values():
                visit(member, path, False)

    folder = ROOT / "testdata"
    for path in sorted(folder.rglob("*.json")):
        if STATEMENTS not in path.parents:
            visit(json.loads(path.read_text()), path.relative_to(folder).as_posix(), True)
    return proofs


def check_proofs(checker, by_id, proofs):
    for name, statement in by_id.items():
        for test in statement.get("tests", []):
            path, _, function = test.partition("::")
            source = ROOT / path
            found = source.is_file() and re.search(rf"\bfn {re.escape(function)}\b", source.read_text())
            checker.require(found, f"{name}: there is no test {test}")
        proven = name in proofs or statement.get("tests")
        if statement.get("status") == "done" and statement.get("level") in OBLIGATORY:
            message = f"{name} is done, but no case proves it; tag one, or say in `untested` why there is none"
            checker.require(proven or statement.get("untested"), message)
        message = f"{name} is `untested`, but a case or test proves it"
        checker.require(not (proven and statement.get("untested")), message)


def escaped(text):
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", text)


def proof(statement, proofs):
    parts = []
    for path, cases in proofs.get(statement["id"], {}).items():
        names = "; ".join(escaped(case) for case in cases if case is not None)
        parts.append(f"[{path}](../testdata/{path})" + (f": {names}" if names else ""))
    for test in statement.get("tests", []):
        path, _, function = test.partition("::")
        parts.append(f"[{path}](../{path}): `{function}`")
    if statement.get("untested"):
        parts.append(f"no case: {statement['untested']}")
    return "<br>".join(parts)


def counts(by_id):
    """Returns a table with the number of statements of each level and status."""
    numbers = collections.Counter((s["level"], s["status"]) for s in by_id.values())
    lines = ["| level | " + " | ".join(STATUSES) + " | all |", "|---" * (len(STATUSES) + 2) + "|"]
    for level in LEVELS:
        row = [numbers[level, status] for status in STATUSES]
        if sum(row):
            lines.append(f"| {level} | " + " | ".join(str(n or "") for n in row) + f" | {sum(row)} |")
    row = [sum(numbers[level, status] for level in LEVELS) for status in STATUSES]
    lines.append("| all | " + " | ".join(str(n or "") for n in row) + f" | {sum(row)} |")
    return lines


def page(documents, by_id, proofs):
    obligations = [s for s in by_id.values() if s["level"] in OBLIGATORY and s["status"] == "done"]
    without = sum("untested" in s for s in obligations)
    lines = [
        "# Conformance",
        "",
        "What RFC 7643, RFC 7644 and RFC 9865 demand of a service provider, statement by statement, what this library",
        "does about it, and the test cases that prove it.",
        "",
        f"This page is generated: `{COMMAND}` writes it, and `.ci/run` checks it. The statements are",
        "in `testdata/conformance`, in our own words. The cases in `testdata` name the statements that they prove, in a",
        "member `proves`. So a statement cannot refer to a case that does not exist. A statement with MUST, MUST NOT,",
        "SHALL, SHALL NOT or REQUIRED that is done needs a case or a test, or a reason why there is none.",
        "",
        "How the list was made:",
        "",
    ]
    lines += [f"- **{document['title']}:** {document['made']}" for _, document in documents]
    lines += [
        "",
        "Statements for clients are one line for each section. A case is tagged where it shows the statement; the same",
        "request is often sent in other cases too. Transcripts, in `testdata/http`, run against the memory provider,",
        "against the stores for SQL, and over a socket against both example hosts.",
        "",
        "The profiles `lenient` (the default), `strict` and `interop` differ in what they accept from clients. A",
        "statement is `done` if `strict` does it; the table says where `lenient` accepts or does something else.",
        "",
        "| status | meaning |",
        "|---|---|",
    ]
    lines += [f"| {status} | {meaning} |" for status, meaning in STATUSES.items()]
    proven = len(obligations) - without
    lines += ["", f"Of {len(obligations)} obligations that are done, {proven} have a case or a test.", ""]
    lines += counts(by_id)
    for _, document in documents:
        lines += ["", f"## {document['title']}"]
        section = None
        for statement in document["statements"]:
            if statement["section"] != section:
                section = statement["section"]
                lines += ["", f"### {section} {document['sections'][section]}", ""]
                lines += ["| level | statement | what we do | proof |", "|---|---|---|---|"]
            what = f"**{statement['status']}.** {statement.get('what', '')}".strip()
            cells = [statement["level"], statement["statement"], what, proof(statement, proofs)]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main(arguments):
    checker = Checker()
    documents, by_id = read_statements(checker)
    for _, document in documents:
        sections = [statement.get("section") for statement in document["statements"]]
        unnamed = sorted(set(sections) - set(document["sections"]))
        checker.require(not unnamed, f"{document['title']} has no names for the sections {unnamed}")
        changes = sum(a != b for a, b in zip(sections, sections[1:]))
        checker.require(changes < len(set(sections)), f"the statements of {document['title']} are not sorted by section")
    proofs = read_tags(checker, by_id)
    check_proofs(checker, by_id, proofs)
    if checker.errors:
        print("The statements in testdata/conformance, or the cases in testdata, have errors:", file=sys.stderr)
        print(*checker.errors, sep="\n", file=sys.stderr)
        return 1
    text = page(documents, by_id, proofs)
    if arguments == ["--write"]:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(text)
        print(f"docs/conformance.md has {len(by_id)} statements")
        return 0
    if not PAGE.is_file() or PAGE.read_text() != text:
        print(f"docs/conformance.md is not what its sources say. Run: {COMMAND}", file=sys.stderr)
        return 1
    print(f"docs/conformance.md has {len(by_id)} statements and is up to date")
    return 0


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--write"]):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
