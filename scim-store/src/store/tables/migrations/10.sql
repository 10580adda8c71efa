-- Deleted resources that can be restored until they are due. `members` is a JSON array of pairs: the id of a member and its
-- element. `due` is the time from which on the row may be deleted.
CREATE TABLE deleted_resource (
    tenant {TEXT} NOT NULL,
    id {TEXT} NOT NULL,
    kind {TEXT} NOT NULL,
    version {TEXT} NOT NULL,
    created bigint NOT NULL,
    modified bigint NOT NULL,
    due bigint NOT NULL,
    document {DOCUMENT} NOT NULL,
    members {DOCUMENT} NOT NULL,
    password {TEXT},
    PRIMARY KEY (tenant, id)
){ROWLESS};
CREATE INDEX deleted_resource_due ON deleted_resource (tenant, due);
