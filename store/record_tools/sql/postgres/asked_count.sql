SELECT count(*) FROM uic_records
WHERE position(decode($1, 'hex') IN asked_by) % 8 = 1 AND phone_number NOT IN ($2, $4, $5, $6)
    AND (position(encode(user_id, 'hex') IN $3) > 0) IS NOT TRUE
