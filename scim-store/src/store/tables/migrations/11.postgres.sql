-- The events of changes. `time` is in milliseconds; `attributes`, `added_members` and `removed_members` are JSON arrays of
-- texts.
CREATE TABLE event (
    tenant text COLLATE "C" NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY,
    time bigint NOT NULL,
    resource_type text NOT NULL,
    resource_id text NOT NULL,
    kind text NOT NULL,
    version_before text,
    version_after text,
    principal text,
    attributes text NOT NULL,
    added_members text NOT NULL,
    removed_members text NOT NULL,
    PRIMARY KEY (tenant, position)
);

-- How far each reader of the events has come in each tenant. The row with an empty name says up to where events were pruned.
CREATE TABLE event_reader (
    tenant text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- Who has adopted a resource that existed before.
ALTER TABLE resource ADD COLUMN adopted_by text COLLATE "C";
ALTER TABLE deleted_resource ADD COLUMN adopted_by text COLLATE "C";
