CREATE TABLE {}people (
    person_id <SERIAL>,
    org_id text NOT NULL,
    login text NOT NULL,
    external_id text,
    first text,
    last text,
    full_name text,
    is_active <BOOL> NOT NULL DEFAULT TRUE,
    mail text,
    phone text,
    mobile text,
    department text,
    manager_id integer REFERENCES {}people (person_id),
    created_at <TIME> NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at <TIME> NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX people_login ON {}people (org_id, lower(login));
CREATE TABLE {}teams (
    team_id <SERIAL>,
    org_id text NOT NULL,
    title text NOT NULL,
    external_id text,
    created_at <TIME> NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at <TIME> NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE {}team_people (
    team_id integer NOT NULL REFERENCES {}teams (team_id),
    person_id integer NOT NULL REFERENCES {}people (person_id),
    PRIMARY KEY (team_id, person_id)
);
CREATE INDEX team_people_person ON {}team_people (person_id);
