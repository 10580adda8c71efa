CREATE TABLE IF NOT EXISTS people (
    person_id INTEGER PRIMARY KEY AUTOINCREMENT,
    login TEXT NOT NULL,
    external_id TEXT,
    first TEXT,
    last TEXT,
    mail TEXT,
    phone TEXT,
    is_active BOOLEAN NOT NULL DEFAULT TRUE,
    organization TEXT,
    department TEXT,
    manager_id INTEGER REFERENCES people (person_id),
    created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE UNIQUE INDEX IF NOT EXISTS people_login ON people (lower(login));

CREATE INDEX IF NOT EXISTS people_external_id ON people (external_id);

CREATE INDEX IF NOT EXISTS people_mail ON people (lower(mail));

CREATE INDEX IF NOT EXISTS people_manager ON people (manager_id);

CREATE TABLE IF NOT EXISTS teams (
    team_id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL,
    external_id TEXT,
    changes INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE UNIQUE INDEX IF NOT EXISTS teams_title ON teams (lower(title));

CREATE INDEX IF NOT EXISTS teams_external_id ON teams (external_id);

CREATE TABLE IF NOT EXISTS team_people (
    team_id INTEGER NOT NULL REFERENCES teams (team_id),
    person_id INTEGER NOT NULL REFERENCES people (person_id),
    PRIMARY KEY (team_id, person_id)
);

CREATE INDEX IF NOT EXISTS team_people_person ON team_people (person_id);

CREATE TABLE IF NOT EXISTS audit (
    audit_id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    action TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    key INTEGER NOT NULL
);
