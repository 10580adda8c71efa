CREATE TABLE {}people (
    tenant text NOT NULL,
    id <UUID> NOT NULL,
    login text NOT NULL,
    full_name text,
    external_id text,
    boss <UUID>,
    is_active <BOOL> NOT NULL DEFAULT TRUE,
    rest <JSON>,
    created_at <TIME>,
    updated_at <TIME>,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX people_login ON {}people (tenant, lower(login));
CREATE INDEX people_boss ON {}people (tenant, boss);
CREATE TABLE {}addresses (
    tenant text NOT NULL,
    person_id <UUID> NOT NULL,
    address text NOT NULL,
    kind text,
    is_main <BOOL>
);
CREATE INDEX addresses_person ON {}addresses (tenant, person_id);
CREATE INDEX addresses_address ON {}addresses (tenant, lower(address));
CREATE TABLE {}teams (
    tenant text NOT NULL,
    id <UUID> NOT NULL,
    title text NOT NULL,
    changes bigint NOT NULL DEFAULT 0,
    created_at <TIME>,
    updated_at <TIME>,
    PRIMARY KEY (tenant, id)
);
CREATE TABLE {}team_people (
    tenant text NOT NULL,
    team_id <UUID> NOT NULL,
    person_id <UUID> NOT NULL,
    PRIMARY KEY (tenant, team_id, person_id)
);
CREATE INDEX team_people_person ON {}team_people (tenant, person_id);
