CREATE TABLE {}accounts (
    id <UUID> PRIMARY KEY,
    company_id <UUID> NOT NULL,
    login text NOT NULL,
    "display name" text,
    "nick?name" text,
    disabled bigint,
    badge text,
    floor integer,
    created bigint,
    modified bigint,
    deleted bigint
);
CREATE UNIQUE INDEX accounts_login ON {}accounts (company_id, lower(login)) WHERE deleted IS NULL;
CREATE TABLE {}roles (
    id <UUID> PRIMARY KEY,
    company_id <UUID> NOT NULL,
    name text NOT NULL,
    changes bigint NOT NULL DEFAULT 0,
    created bigint,
    modified bigint
);
CREATE TABLE {}role_accounts (
    role_id <UUID> NOT NULL REFERENCES {}roles (id),
    account_id <UUID> NOT NULL REFERENCES {}accounts (id),
    granted_at <TIME> NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (account_id, role_id)
);
CREATE INDEX role_accounts_role ON {}role_accounts (role_id);
