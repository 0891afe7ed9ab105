SELECT count(*) FROM uic_records
WHERE instr(asked_by, ' ' || $1) AND phone_number NOT IN ($2, $4, $5, $6)
    AND (instr($3, user_id) > 0) IS NOT TRUE
