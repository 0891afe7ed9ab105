-- Which user ids came with which numbers, as keyed hashes, so that a person is found whole by either
-- name, whatever form of the number a record has, and who asked only for what others registered.
-- up_to: the newest record then: what a number registered alone up to it is its first user id's; -1 of one
-- that moved to the number, to whom nothing of before belongs. Who was erased, or moved away, leaves a user id
-- of zeros at a number that somebody else has, who inherits nothing of hers.
CREATE TABLE uic_links (
    number bytea NOT NULL,
    user_id bytea NOT NULL,
    since date NOT NULL,
    up_to bigint NOT NULL,
    PRIMARY KEY (number, user_id)
);
CREATE INDEX uic_links_user_id ON uic_links (user_id);

-- Whose user id was the first at each number.
CREATE VIEW uic_first_owners AS SELECT number, user_id, since, up_to FROM uic_links AS link
WHERE NOT EXISTS (SELECT 1 FROM uic_links AS other WHERE other.number = link.number
    AND (other.since, other.up_to < 0, other.up_to, other.user_id)
        < (link.since, link.up_to < 0, link.up_to, link.user_id));

-- Under which user ids somebody wrote before her present one: an erased person is in a backup, and in what
-- still waits, by these. Meta never gives a user id to another.
CREATE TABLE uic_former_ids (
    former bytea PRIMARY KEY,
    user_id bytea NOT NULL,
    since date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date
);
CREATE INDEX uic_former_ids_user_id ON uic_former_ids (user_id);

-- The changes of numbers and user ids that are carried out, by the keyed hash of the message that told
-- of each: told again, to whichever instance, they would move what came after them. What takes several steps
-- stands there from the first on, and at is when the last was made: nobody is erased meanwhile.
CREATE TABLE uic_moves (
    message bigint PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    is_done boolean NOT NULL
);
CREATE INDEX uic_moves_at ON uic_moves (at);

-- Whether what a number alone registered or asked for, of the record $4, is not the user id $3's: another is known
-- to have come with the number, $1 by its hash or $2 as records hold it, or this one moved to it, or came when the
-- record was not there yet. NULL, a number alone, is another than any. Rarely asked, so it has a plan of its
-- own, which must not read a whole table either.
CREATE FUNCTION uic_number_is_anothers(bytea, text, bytea, bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET enable_seqscan = off AS $$
BEGIN
    RETURN (SELECT count(*) FROM uic_links
            WHERE number = $1 AND (user_id IS DISTINCT FROM $3 OR up_to < $4)) > 0
        OR (SELECT count(*) FROM uic_records
            WHERE phone_number = $2 AND user_id IS NOT NULL AND user_id IS DISTINCT FROM $3) > 0;
END $$;

-- Whether somebody asked for the record before, or it is her own: the identity $2, of the user id $3 or NULL,
-- with the number's hash $4 or NULL and the number $5 as records hold it.
CREATE FUNCTION uic_has_asked(r uic_records, bytea, bytea, bytea, text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
BEGIN
    RETURN coalesce(r.user_id = $3, false)
        OR coalesce(position($2 IN r.asked_by) % 8 = 1, false)
        OR ((coalesce(r.user_id IS NULL AND r.phone_number = $5, false)
             OR coalesce($3 IS NOT NULL AND position(substring($4 FOR 5) IN r.asked_by) % 8 = 1, false))
            AND uic_number_is_anothers($4, $5, $3, r.id) IS NOT TRUE);
END $$;

-- Who asked for which record, by the beginning of her keyed hash, as in asked_by: so that a person is asked
-- about answers that are nearly hers, and keeps what she asked for when her number changes. hint: the first byte of each hash of near, so that
-- of a phone on which hundreds were registered hardly a record is read; NULL: it is not known.
CREATE TABLE uic_asked (
    who bytea NOT NULL,
    record bigint NOT NULL,
    hint bytea,
    PRIMARY KEY (who, record) INCLUDE (hint)
);
INSERT INTO uic_asked (who, record)
SELECT substring(asked_by FROM 8 * n + 1 FOR 5), id FROM uic_records, generate_series(0, 15) AS n
WHERE length(asked_by) > 8 * n ON CONFLICT DO NOTHING;

-- Of the newest 200 records that somebody asked for, the answers of one that is near; NULL when there is
-- none, or when she is to be told of a record of exactly her answers. The parameters are as in claim.sql.
CREATE FUNCTION uic_near_find(answers bytea, phone text, asker bytea, user_id bytea, number bytea,
                              sought bytea) RETURNS bytea
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET enable_seqscan = off AS $$
DECLARE
    beginning CONSTANT bytea := substring(asker FOR 5);
    first CONSTANT integer := get_byte(sought, 0);
    second CONSTANT integer := get_byte(sought, 5);
    third CONSTANT integer := get_byte(sought, 10);
    fourth CONSTANT integer := get_byte(sought, 15);
    fifth CONSTANT integer := get_byte(sought, 20);
    found bytea;
BEGIN
    SELECT near.input_hash INTO found
    FROM (SELECT a.record, a.hint FROM uic_asked AS a WHERE a.who = beginning
          ORDER BY a.record DESC LIMIT 200) AS own,
        LATERAL (SELECT r.input_hash FROM uic_records AS r
                 WHERE r.id = own.record AND (substring(r.near FOR 5) = substring(sought FOR 5)
                     OR substring(r.near FROM 6 FOR 5) = substring(sought FROM 6 FOR 5)
                     OR substring(r.near FROM 11 FOR 5) = substring(sought FROM 11 FOR 5)
                     OR substring(r.near FROM 16 FOR 5) = substring(sought FROM 16 FOR 5)
                     OR substring(r.near FROM 21) = substring(sought FROM 21))
                     AND position(beginning IN r.asked_by) % 8 = 1
                 LIMIT 1) AS near
    WHERE own.hint IS NULL OR get_byte(own.hint, 0) = first OR get_byte(own.hint, 1) = second
        OR get_byte(own.hint, 2) = third OR get_byte(own.hint, 3) = fourth OR get_byte(own.hint, 4) = fifth
    ORDER BY near.input_hash LIMIT 1;
    IF found IS NULL THEN
        RETURN NULL;
    END IF;
    IF found = answers OR (
        SELECT uic_has_asked(own, beginning, nullif(uic_near_find.user_id, ''), nullif(number, ''), phone)
        FROM uic_records AS own WHERE input_hash = answers) THEN
        RETURN NULL;
    END IF;
    RETURN found;
END $$;

-- What may be one person twice, and what people and administrators said of it. Hashes are parts of
-- near, and of what the code shows; kinds are sound, place, year, day and code. The maintenance fills uic_near and
-- finds pairs; people and administrators name some too. answers is the input_hash of the other record,
-- which need not be there.
CREATE TABLE uic_near (
    record bigint NOT NULL,
    kind smallint NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (record, kind)
);
CREATE INDEX uic_near_hash ON uic_near (hash, kind);
CREATE TABLE uic_pairs (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    record bigint NOT NULL,
    answers bytea NOT NULL,
    why text NOT NULL,
    said text,
    decision text,
    UNIQUE (record, answers)
);
CREATE INDEX uic_pairs_answers ON uic_pairs (answers);
CREATE INDEX uic_pairs_undecided ON uic_pairs (number) WHERE decision IS NULL;

-- What is known of a record goes with it, when nobody is comparing records (7694693) who might not see
-- that it goes. Who asked is in asked_by; whoever is there no more, because more than sixteen asked,
-- keeps a row that leads nowhere: ids are never given out again.
CREATE FUNCTION uic_record_gone() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off AS $$
BEGIN
    DELETE FROM uic_asked USING gone, generate_series(0, 15) AS n
    WHERE who = substring(gone.asked_by FROM 8 * n + 1 FOR 5) AND record = gone.id;
    PERFORM pg_advisory_xact_lock_shared(7694693);
    DELETE FROM uic_near USING gone WHERE record = gone.id;
    DELETE FROM uic_pairs USING gone WHERE record = gone.id;
    DELETE FROM uic_pairs USING gone WHERE answers = gone.input_hash;
    UPDATE uic_records SET same_as = nullif(oldest.id, uic_records.id)
    FROM (SELECT other.same_as, min(other.id) AS id
          FROM uic_records AS other JOIN gone ON other.same_as = gone.id GROUP BY 1) AS oldest
    WHERE uic_records.same_as = oldest.same_as;
    RETURN NULL;
END $$;
CREATE TRIGGER uic_record_gone AFTER DELETE ON uic_records
REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION uic_record_gone();
-- Of those whose row that counted goes, the oldest counts.
ALTER TABLE uic_records DROP CONSTRAINT uic_records_same_as_fkey;

-- What a record is found by goes with its number, too.
CREATE FUNCTION uic_number_gone() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT SET enable_seqscan = off AS $$
BEGIN
    UPDATE uic_asked SET hint = NULL FROM generate_series(0, 15) AS n
    WHERE who = substring(OLD.asked_by FROM 8 * n + 1 FOR 5) AND record = OLD.id;
    PERFORM pg_advisory_xact_lock_shared(7694693);
    DELETE FROM uic_near WHERE record = OLD.id;
    DELETE FROM uic_pairs WHERE record = OLD.id;
    DELETE FROM uic_pairs WHERE answers = OLD.input_hash;
    RETURN NULL;
END $$;
CREATE TRIGGER uic_number_gone AFTER UPDATE OF phone_number ON uic_records
FOR EACH ROW WHEN (NEW.phone_number = '') EXECUTE FUNCTION uic_number_gone();
