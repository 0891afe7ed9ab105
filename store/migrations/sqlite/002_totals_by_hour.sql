-- What the statistics show: the sums of the rows of an hour (UTC, 'YYYY-MM-DD HH'). Triggers keep it, so
-- it is right whoever writes: a claim, an import, or an operator's DELETE. new_phones counts a number
-- with the first record that it has; requests are those that were made: erasing a person takes none away.
CREATE TABLE uic_totals (
    hour TEXT PRIMARY KEY,
    new_codes INTEGER NOT NULL,
    new_phones INTEGER NOT NULL,
    requests INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX uic_records_phone_number ON uic_records (phone_number);

INSERT INTO uic_totals
SELECT hour, sum(codes), sum(phones), sum(requests)
FROM (SELECT substr(created_at, 1, 13) AS hour, count(*) AS codes, 0 AS phones, count(*) AS requests
      FROM uic_records GROUP BY 1
      UNION ALL
      SELECT substr(last_requested_at, 1, 13), 0, 0, sum(request_count - 1)
      FROM uic_records WHERE request_count > 1 GROUP BY 1
      UNION ALL
      SELECT substr(first, 1, 13), 0, count(*), 0
      FROM (SELECT min(created_at) AS first FROM uic_records GROUP BY phone_number) GROUP BY 1)
GROUP BY hour;

CREATE TRIGGER uic_totals_insert AFTER INSERT ON uic_records
BEGIN
    INSERT INTO uic_totals
    VALUES (substr(new.created_at, 1, 13), 1,
            NOT EXISTS (SELECT 1 FROM uic_records
                        WHERE phone_number = new.phone_number AND id <> new.id),
            new.request_count)
    ON CONFLICT (hour) DO UPDATE SET
        new_codes = new_codes + 1,
        new_phones = new_phones + excluded.new_phones,
        requests = requests + excluded.requests;
END;

CREATE TRIGGER uic_totals_update AFTER UPDATE OF request_count ON uic_records
WHEN new.request_count <> old.request_count
BEGIN
    INSERT INTO uic_totals
    VALUES (substr(new.last_requested_at, 1, 13), 0, 0, new.request_count - old.request_count)
    ON CONFLICT (hour) DO UPDATE SET requests = requests + excluded.requests;
END;

CREATE TRIGGER uic_totals_delete AFTER DELETE ON uic_records
BEGIN
    INSERT INTO uic_totals
    VALUES (substr(old.created_at, 1, 13), -1,
            -(NOT EXISTS (SELECT 1 FROM uic_records WHERE phone_number = old.phone_number)), 0)
    ON CONFLICT (hour) DO UPDATE SET
        new_codes = new_codes - 1,
        new_phones = new_phones + excluded.new_phones;
END;
