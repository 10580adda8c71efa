CREATE TABLE {}people (
    id <SERIAL>,
    login text NOT NULL,
    first text,
    last text,
    title text,
    is_active <BOOL> NOT NULL DEFAULT TRUE,
    mail text,
    created_at <TIME> NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at <TIME> NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX people_login ON {}people (lower(login));
