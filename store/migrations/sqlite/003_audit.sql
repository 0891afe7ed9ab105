-- What was erased, when (UTC) and by whom; never whose it was.
CREATE TABLE uic_audit (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    action TEXT NOT NULL,
    records INTEGER NOT NULL,
    author TEXT NOT NULL
);
