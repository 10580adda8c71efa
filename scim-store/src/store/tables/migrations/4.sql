-- The folded values of unique attributes that have no column of their own: a row for each value.
CREATE TABLE unique_value (
    tenant {TEXT} NOT NULL,
    kind {TEXT} NOT NULL,
    attribute {TEXT} NOT NULL,
    value {TEXT} NOT NULL,
    place bigint NOT NULL,
    PRIMARY KEY (tenant, kind, attribute, value)
){ROWLESS};
CREATE INDEX unique_value_place ON unique_value (place);
