-- The groups that contain each group through other groups, for the attribute `groups` of users.
CREATE INDEX member_nested ON member (nested, tenant, member, place);
CREATE VIEW nesting AS
WITH RECURSIVE up (tenant, place, ancestor) AS (
    SELECT m.tenant, g.place, m.place
    FROM member m JOIN resource g ON g.tenant = m.tenant AND g.id = m.member
    WHERE m.nested = TRUE
    UNION
    SELECT up.tenant, up.place, m.place
    FROM up JOIN resource g ON g.place = up.ancestor
    JOIN member m ON m.tenant = g.tenant AND m.member = g.id
)
SELECT tenant, place, ancestor FROM up;
