CREATE TABLE IF NOT EXISTS people (
    person_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login text NOT NULL,
    external_id text,
    first text,
    last text,
    mail text,
    phone text,
    is_active boolean NOT NULL DEFAULT TRUE,
    organization text,
    department text,
    manager_id integer REFERENCES people (person_id),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE UNIQUE INDEX IF NOT EXISTS people_login ON people (lower(login));

CREATE INDEX IF NOT EXISTS people_external_id ON people (external_id);

CREATE INDEX IF NOT EXISTS people_mail ON people (lower(mail));

CREATE INDEX IF NOT EXISTS people_manager ON people (manager_id);

CREATE TABLE IF NOT EXISTS teams (
    team_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    title text NOT NULL,
    external_id text,
    changes integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE UNIQUE INDEX IF NOT EXISTS teams_title ON teams (lower(title));

CREATE INDEX IF NOT EXISTS teams_external_id ON teams (external_id);

CREATE TABLE IF NOT EXISTS team_people (
    team_id integer NOT NULL REFERENCES teams (team_id),
    person_id integer NOT NULL REFERENCES people (person_id),
    PRIMARY KEY (team_id, person_id)
);

CREATE INDEX IF NOT EXISTS team_people_person ON team_people (person_id);

CREATE TABLE IF NOT EXISTS audit (
    audit_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    action text NOT NULL,
    resource_type text NOT NULL,
    key integer NOT NULL
);
