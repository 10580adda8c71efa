-- All resources of all types and tenants. `kind` is the name of the resource type. `place` identifies the row, in
-- the order of creation. `document` is the resource as JSON, without id, meta and members.
CREATE TABLE resource (
    place {SERIAL},
    tenant {TEXT} NOT NULL,
    kind {TEXT} NOT NULL,
    id {TEXT} NOT NULL,
    version {TEXT} NOT NULL,
    created bigint NOT NULL,
    modified bigint NOT NULL,
    unique_name {TEXT},
    external_id {TEXT},
    display {TEXT},
    active {BOOL},
    keys {JSON} NOT NULL,
    document {DOCUMENT} NOT NULL,
    password {TEXT},
    CONSTRAINT resource_id UNIQUE (tenant, id),
    CONSTRAINT resource_unique_name UNIQUE (tenant, kind, unique_name)
);
CREATE INDEX resource_order ON resource (tenant, kind, place);
CREATE INDEX resource_external_id ON resource (tenant, kind, external_id, place);
CREATE INDEX resource_display ON resource (tenant, kind, display, place);
CREATE INDEX resource_modified ON resource (tenant, kind, modified, place);

-- The values that filters compare in multi-valued attributes and in attributes of extensions: a row for each
-- element. `value`, `type` and `main` hold its sub-attributes `value`, `type` and `primary`, folded; `keys` the others.
CREATE TABLE value (
    place bigint NOT NULL,
    attribute {TEXT} NOT NULL,
    element bigint NOT NULL,
    tenant {TEXT} NOT NULL,
    value {TEXT},
    type {TEXT},
    main {TEXT},
    keys {JSON} NOT NULL,
    PRIMARY KEY (place, attribute, element)
){ROWLESS};
CREATE INDEX value_value ON value (tenant, attribute, value, place);

-- The members of groups: `place` is the group and `member` the id of the member. `added` orders the members by the
-- time at which they were added. `nested` is true if the member is a group itself.
CREATE TABLE member (
    place bigint NOT NULL,
    member {TEXT} NOT NULL,
    tenant {TEXT} NOT NULL,
    kind {TEXT},
    nested {BOOL} NOT NULL,
    added bigint NOT NULL,
    element {TEXT},
    PRIMARY KEY (place, member)
){ROWLESS};
CREATE INDEX member_groups ON member (tenant, member, place);

-- The ids of deleted resources, which are never used again.
CREATE TABLE tombstone (
    tenant {TEXT} NOT NULL,
    id {TEXT} NOT NULL,
    kind {TEXT} NOT NULL,
    deleted bigint NOT NULL,
    PRIMARY KEY (tenant, id)
){ROWLESS};
