-- $1 behind and $2 up to this id: each of these records with those before it that have a hash of the same
-- kind. What agrees but for the place while all sounds agree is spelt in another way. What people said
-- stays, whichever of the two it was said of first.
INSERT INTO uic_pairs (record, answers, why)
SELECT older.record, r.input_hash,
    CASE min(mine.kind) WHEN 0 THEN 'spelling' WHEN 1 THEN 'place' WHEN 2 THEN 'year' WHEN 3 THEN 'day'
    ELSE 'code' END
FROM uic_near AS mine
JOIN uic_near AS older
    ON older.hash = mine.hash AND older.kind = mine.kind AND older.record < mine.record
JOIN uic_records AS r ON r.id = mine.record
WHERE mine.record > $1 AND mine.record <= $2
    AND NOT EXISTS (
        SELECT 1 FROM uic_records AS o JOIN uic_pairs AS p ON p.record = mine.record AND p.answers = o.input_hash
        WHERE o.id = older.record)
GROUP BY mine.record, older.record, r.input_hash
ORDER BY mine.record, older.record
ON CONFLICT (record, answers) DO UPDATE SET why = excluded.why WHERE uic_pairs.why = 'said'
