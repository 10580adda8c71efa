CREATE TABLE {}people (
    id <SERIAL>,
    tenant text,
    login text,
    login_folded text,
    active <BOOL>,
    password_hash text,
    rest <JSON>,
    created_at <TIME>,
    updated_at <TIME>
);
CREATE UNIQUE INDEX people_login ON {}people (tenant, login_folded);
CREATE TABLE {}addresses (
    id <SERIAL>,
    person_id integer NOT NULL REFERENCES {}people (id),
    address text,
    kind text,
    is_main <BOOL>,
    label text
);
CREATE INDEX addresses_person ON {}addresses (person_id);
CREATE TABLE {}teams (
    id <SERIAL>,
    tenant text NOT NULL,
    title text NOT NULL,
    created_at <TIME>,
    updated_at <TIME>
);
CREATE TABLE {}team_people (
    id <SERIAL>,
    team_id integer NOT NULL REFERENCES {}teams (id),
    person_id integer NOT NULL REFERENCES {}people (id),
    UNIQUE (team_id, person_id)
);
CREATE INDEX team_people_person ON {}team_people (person_id);
