"""Sends requests to a server with the public client scim2-client, as an identity provider does, and checks the responses.

    SCIM_TOKEN=.. python client.py http://127.0.0.1:8080/scim/v2

The server must be empty. The client validates each response against the schemas that the server publishes; this script
checks the values.
"""

import os
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import BulkOperation, BulkRequest, Error, PatchOp, PatchOperation, SearchRequest

NAMES = ["amelie", "Bruno", "chloe", "Dario", "elif", "Fynn", "grete", "Hugo"]
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def connect(url):
    headers = {"Authorization": f"Bearer {os.environ['SCIM_TOKEN']}"}
    client = SyncSCIMClient(Client(base_url=url, headers=headers))
    client.discover()
    return client


class Check:
    """The steps of the test. Each step uses the resources that the steps before it have left."""

    def __init__(self, client):
        self.client = client
        self.config = client.provider.config
        self.user = client.get_resource_model("User")
        self.group = client.get_resource_model("Group")
        self.users = {}

    def assert_error(self, status, scim_type, answer):
        assert isinstance(answer, Error), f"expected {status}, got {answer!r}"
        actual = (answer.status, answer.scim_type)
        assert actual == (status, scim_type), f"expected {status} {scim_type}, got {answer!r}"

    def names(self, **query):
        """Sends a query with GET and with POST, which must find the same users. Returns the response and the names."""
        found = self.client.query(self.user, SearchRequest(**query))
        searched = self.client.search(self.user, SearchRequest(**query))
        names = [user.user_name for user in found.resources or []]
        assert names == [user.user_name for user in searched.resources or []], query
        return found, names

    def create(self):
        for number, name in enumerate(NAMES):
            emails = [{"value": f"{name}@example.com", "type": "work", "primary": True}]
            if number % 2:
                emails.append({"value": f"{name}@home.example.net", "type": "home"})
            user = self.user.model_validate({
                "userName": name,
                "externalId": f"hr-{number}",
                "displayName": name.upper(),
                "title": "Pilot" if number < 3 else None,
                "active": number != 4,
                "name": {"familyName": f"Family {9 - number}", "givenName": name},
                "emails": emails,
                ENTERPRISE: {"employeeNumber": f"00{number}", "department": "Flight" if number < 4 else "Ground"},
            })
            created = self.client.create(user)
            assert created.id and created.meta.version and created.meta.location.endswith(f"/Users/{created.id}")
            assert created.user_name == name and created.emails[0].value == f"{name}@example.com"
            assert self.client.query(self.user, created.id).model_dump() == created.model_dump()
            self.users[name] = created
        duplicate = self.user(user_name="AMELIE")
        self.assert_error(409, "uniqueness", self.client.create(duplicate, raise_scim_errors=False))
        self.assert_error(404, None, self.client.query(self.user, "nobody", raise_scim_errors=False))

    def filter(self):
        cases = {
            'userName eq "AMELIE"': ["amelie"],
            'userName ne "amelie"': NAMES[1:],
            'displayName co "LI"': ["amelie", "elif"],
            'userName sw "f"': ["Fynn"],
            'userName ew "O"': ["Bruno", "Dario", "Hugo"],
            "title pr": NAMES[:3],
            "not (title pr)": NAMES[3:],
            'userName gt "fynn"': ["grete", "Hugo"],
            'userName ge "fynn"': ["Fynn", "grete", "Hugo"],
            'userName lt "bruno"': ["amelie"],
            'userName le "bruno"': ["amelie", "Bruno"],
            "active eq false": ["elif"],
            'title pr and (userName eq "bruno" or userName eq "dario")': ["Bruno"],
            'userName eq "hugo" or title pr and userName sw "a"': ["amelie", "Hugo"],
            'emails[type eq "home" and value co "dario"]': ["Dario"],
            'emails.type eq "home"': NAMES[1::2],
            'emails eq "elif@example.com"': ["elif"],
            'externalId eq "hr-6"': ["grete"],
            'externalId eq "HR-6"': [],
            'name.familyName eq "family 9"': ["amelie"],
            f'{ENTERPRISE}:department eq "flight"': NAMES[:4],
            f'meta.created ge "2020-01-01T00:00:00Z" and meta.lastModified gt "2020-01-01T00:00:00Z"': NAMES,
            f'id eq "{self.users["Fynn"].id}"': ["Fynn"],
        }
        for filter, expected in cases.items():
            found, names = self.names(filter=filter)
            assert sorted(names) == sorted(expected), f"{filter}: {names}"
            assert found.total_results == len(expected), filter
        answer = self.client.query(
            self.user, {"filter": 'userName xx "a"'}, check_request_payload=False, raise_scim_errors=False
        )
        self.assert_error(400, "invalidFilter", answer)

    def project(self):
        user = self.client.query(self.user, self.users["Bruno"].id, SearchRequest(attributes=["userName"]))
        assert user.user_name == "Bruno" and user.id and user.emails is None and user.name is None
        user = self.client.query(self.user, self.users["Bruno"].id, SearchRequest(excluded_attributes=["emails"]))
        assert user.emails is None and user.name.given_name == "Bruno"

    def sort(self):
        assert self.config.sort.supported
        for query, expected in [
            ({"sort_by": "userName"}, NAMES),
            ({"sort_by": "userName", "sort_order": "descending"}, NAMES[::-1]),
            ({"sort_by": "name.familyName"}, NAMES[::-1]),
            ({"sort_by": "emails", "filter": "title pr"}, NAMES[:3]),
        ]:
            _, names = self.names(**query)
            assert names == expected, f"{query}: {names}"

    def page_by_index(self):
        names = []
        for start in [1, 4, 7, 10]:
            page, page_names = self.names(sort_by="userName", start_index=start, count=3)
            assert page.total_results == len(NAMES)
            assert page.start_index == start and page.items_per_page == len(page_names)
            names += page_names
        assert names == NAMES
        page, names = self.names(count=0)
        assert page.total_results == len(NAMES) and not names

    def page_by_cursor(self):
        pagination = self.config.pagination
        if not (pagination and pagination.cursor):
            print("the server does not announce cursors, so they are not tested")
            return
        pages, cursor = [], ""
        while cursor is not None:
            query = SearchRequest(sort_by="userName", count=3, cursor=cursor)
            pages.append(self.client.query(self.user, query))
            cursor = pages[-1].next_cursor
            assert len(pages) <= 3
        assert [user.user_name for page in pages for user in page.resources] == NAMES
        query = SearchRequest(sort_by="userName", count=3, cursor=pages[2].previous_cursor)
        back = self.client.search(self.user, query)
        assert [user.user_name for user in back.resources] == NAMES[3:6]
        for query in [{"cursor": "forged"}, {"cursor": pages[0].next_cursor, "filter": "title pr"}]:
            answer = self.client.query(self.user, SearchRequest(count=3, **query), raise_scim_errors=False)
            self.assert_error(400, "invalidCursor", answer)

    def patch(self):
        change = PatchOp[self.user](operations=[
            PatchOperation[self.user](op="replace", path="displayName", value="Chlöe"),
            PatchOperation[self.user](op="add", path="emails", value=[{"value": "c@example.org", "type": "other"}]),
            PatchOperation[self.user](op="replace", path='emails[type eq "work"].value', value="work@example.org"),
            PatchOperation[self.user](op="remove", path="title"),
            PatchOperation[self.user](op="add", value={"nickName": "Clo", "active": False}),
            PatchOperation[self.user](op="replace", path=f"{ENTERPRISE}:department", value="Tower"),
        ])
        user = self.client.modify(self.user, self.users["chloe"].id, change)
        assert user.display_name == "Chlöe" and user.nick_name == "Clo"
        assert user.active is False and user.title is None
        assert [(email.type, email.value) for email in user.emails] == [
            ("work", "work@example.org"),
            ("other", "c@example.org"),
        ]
        _, names = self.names(filter=f'{ENTERPRISE}:department eq "tower"')
        assert names == ["chloe"]
        assert user.meta.version != self.users["chloe"].meta.version
        self.users["chloe"] = user

        change = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [
                {"op": "replace", "path": "displayName", "value": "not kept"},
                {"op": "replace", "path": 'emails[type sw "none"].value', "value": "a@example.org"},
            ],
        }
        answer = self.client.modify(
            self.user, user.id, change, check_request_payload=False, raise_scim_errors=False
        )
        self.assert_error(400, "noTarget", answer)
        assert self.client.query(self.user, user.id).model_dump() == user.model_dump(), "a PATCH that failed was applied in part"

    def groups(self):
        ids = [self.users[name].id for name in NAMES[:3]]
        group = self.client.create(self.group(display_name="Crew", members=[{"value": ids[0]}]))
        assert group.meta.location.endswith(f"/Groups/{group.id}")
        change = PatchOp[self.group](operations=[
            PatchOperation[self.group](op="add", path="members", value=[{"value": id} for id in ids[1:]]),
            PatchOperation[self.group](op="remove", path=f'members[value eq "{ids[0]}"]'),
        ])
        assert self.client.modify(self.group, group.id, change) is None, "the response to a PATCH of a group must be 204"
        group = self.client.query(self.group, group.id)
        assert sorted(member.value for member in group.members) == sorted(ids[1:])
        user = self.client.query(self.user, ids[1])
        assert [(membership.value, membership.display) for membership in user.groups] == [(group.id, "Crew")]
        everything = self.client.query()
        assert everything.total_results == len(NAMES) + 1
        self.crew = group

    def bulk(self):
        assert self.config.bulk.supported
        operation = BulkOperation[self.user]
        change = PatchOp[self.user](operations=[PatchOperation[self.user](op="replace", path="title", value="Captain")])
        members = [{"value": "bulkId:ida"}, {"value": self.users["Hugo"].id}]
        answer = self.client.bulk(BulkRequest[self.user | self.group](operations=[
            BulkOperation[self.group](
                method="POST", path="/Groups", bulk_id="team", data=self.group(display_name="Team", members=members)
            ),
            operation(method="POST", path="/Users", bulk_id="ida", data=self.user(user_name="ida")),
            operation(method="PATCH", path=f"/Users/{self.users['Hugo'].id}", data=change),
            operation(method="POST", path="/Users", bulk_id="twice", data=self.user(user_name="hugo")),
            operation(method="DELETE", path=f"/Users/{self.users['grete'].id}"),
        ]))
        assert [operation.status for operation in answer.operations] == [201, 201, 200, 409, 204], answer
        assert answer.operations[3].response.scim_type == "uniqueness"
        ida = self.client.query(self.user, answer.operations[1].location.rsplit("/", 1)[1])
        team = self.client.query(self.group, answer.operations[0].location.rsplit("/", 1)[1])
        assert ida.user_name == "ida" and ida.meta.version
        assert {member.value for member in team.members} == {ida.id, self.users["Hugo"].id}
        assert self.client.query(self.user, self.users["Hugo"].id).title == "Captain"
        self.assert_error(404, None, self.client.query(self.user, self.users["grete"].id, raise_scim_errors=False))
        _, names = self.names(sort_by="userName")
        assert names == [name for name in NAMES if name != "grete"] + ["ida"]

    def conditions(self):
        """The client sends the version that it has read with each write, since the server announces ETags."""
        assert self.config.etag.supported
        read = self.client.query(self.user, self.users["Dario"].id)
        assert self.client.query(read) is read, "the response must be 304, for which the client returns its own object"
        ours, theirs = read.model_copy(deep=True), read.model_copy(deep=True)
        ours.title, theirs.title = "Ours", "Theirs"
        replaced = self.client.replace(ours)
        assert replaced.title == "Ours" and replaced.meta.version != read.meta.version
        self.assert_error(412, None, self.client.replace(theirs, raise_scim_errors=False))
        self.assert_error(412, None, self.client.delete(theirs, raise_scim_errors=False))
        current = self.client.query(read)
        assert current is not read and current.title == "Ours"
        assert current.meta.version == replaced.meta.version
        unchanged = self.client.replace(current)
        assert unchanged.meta.version == current.meta.version, "a PUT that changes nothing must not change the version"

    def delete(self):
        for name in ["amelie", "Bruno"]:
            user = self.client.query(self.user, self.users[name].id)
            assert self.client.delete(user) is None
            self.assert_error(404, None, self.client.query(self.user, user.id, raise_scim_errors=False))
            self.assert_error(404, None, self.client.delete(self.user, user.id, raise_scim_errors=False))
        crew = self.client.query(self.group, self.crew.id)
        assert [member.value for member in crew.members] == [self.users["chloe"].id], "deleted users must not be members"
        assert crew.meta.version != self.crew.meta.version
        self.client.create(self.user(user_name="amelie"))

    STEPS = [
        create, filter, project, sort, page_by_index, page_by_cursor, patch, groups, bulk, conditions, delete,
    ]


def main(url):
    check = Check(connect(url))
    for step in Check.STEPS:
        step(check)
        print(f"{step.__name__}: passed")


if __name__ == "__main__":
    main(sys.argv[1])
