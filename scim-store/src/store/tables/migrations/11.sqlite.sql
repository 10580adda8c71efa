-- The events of changes. `time` is in milliseconds; `attributes`, `added_members` and `removed_members` are JSON arrays of
-- texts.
CREATE TABLE event (
    position integer PRIMARY KEY AUTOINCREMENT,
    tenant text NOT NULL,
    time integer NOT NULL,
    resource_type text NOT NULL,
    resource_id text NOT NULL,
    kind text NOT NULL,
    version_before text,
    version_after text,
    principal text,
    attributes text NOT NULL,
    added_members text NOT NULL,
    removed_members text NOT NULL
);
CREATE INDEX event_tenant ON event (tenant, position);

-- How far each reader of the events has come in each tenant. The row with an empty name says up to where events were pruned.
CREATE TABLE event_reader (
    tenant text NOT NULL,
    name text NOT NULL,
    position integer NOT NULL,
    PRIMARY KEY (tenant, name)
) WITHOUT ROWID;

-- Who has adopted a resource that existed before.
ALTER TABLE resource ADD COLUMN adopted_by text;
ALTER TABLE deleted_resource ADD COLUMN adopted_by text;
