CREATE TABLE {}people (
    id text PRIMARY KEY,
    tenant text NOT NULL,
    login <CITEXT> NOT NULL,
    title text,
    language text,
    created_at <TIME>,
    updated_at <TIME>,
    UNIQUE (tenant, login)
);
CREATE TABLE {}teams (
    id text PRIMARY KEY,
    tenant text NOT NULL,
    title <CITEXT> NOT NULL,
    created_at <TIME>,
    updated_at <TIME>
);
CREATE TABLE {}team_people (
    team_id text NOT NULL REFERENCES {}teams (id),
    person_id text NOT NULL REFERENCES {}people (id),
    PRIMARY KEY (team_id, person_id)
);
CREATE INDEX team_people_person ON {}team_people (person_id);
