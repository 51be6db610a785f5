-- name: claim_pulls
-- $2 rows, which come as in subscriptions.sql: fingerprints, each once, attempts, and the instants of their charges, $3
-- how many that were not successes may lie in 30 days, $4 failures in a row after which one a day is allowed; once one failed, those that are under way may be
-- failures too. Answers those that are allowed and counted: the row is held until the end, so that whoever comes next
-- sees this one. In the order of the fingerprints, so that nobody waits in a circle.
INSERT INTO charge_caps AS c (tenant_id, fingerprint, pulled_at, under_way, consecutive_failures)
SELECT $1, p.fingerprint, ARRAY[p.at], ARRAY[p.attempt_id], 0
  FROM json_to_recordset($2::json) AS p (fingerprint text, attempt_id text, at timestamptz)
 ORDER BY p.fingerprint
    ON CONFLICT (tenant_id, fingerprint) DO UPDATE
   SET pulled_at = array(SELECT t FROM unnest(c.pulled_at) AS t WHERE t > excluded.pulled_at[1] - interval '30 days' ORDER BY t) || excluded.pulled_at,
       under_way = c.under_way || excluded.under_way
 WHERE c.hard_declined_at IS NULL
   AND (SELECT count(*) FROM unnest(c.pulled_at) AS t WHERE t > excluded.pulled_at[1] - interval '30 days') < $3
   AND (c.consecutive_failures = 0
        OR c.consecutive_failures + cardinality(c.under_way) < $4
        OR coalesce((SELECT max(t) FROM unnest(c.pulled_at) AS t), '-infinity') <= excluded.pulled_at[1] - interval '24 hours')
RETURNING c.fingerprint;

-- name: note_outcomes
-- $2 rows, which come as in subscriptions.sql: attempt, fingerprint, the instant of the charge, whether the gateway was
-- asked, whether it failed, whether the bank forbids another, and when that was known. Only what had been allowed is noted, and once. A
-- success does not count against the card, and ends a row of failures; what was never asked was no charge.
UPDATE charge_caps AS c
   SET under_way = array_remove(c.under_way, o.attempt_id),
       pulled_at = CASE WHEN o.has_failed AND o.was_asked OR NOT o.at = ANY (c.pulled_at) THEN c.pulled_at
                        ELSE c.pulled_at[:array_position(c.pulled_at, o.at) - 1] || c.pulled_at[array_position(c.pulled_at, o.at) + 1:]
                    END,
       consecutive_failures = CASE WHEN NOT o.was_asked THEN c.consecutive_failures
                                   WHEN o.has_failed THEN c.consecutive_failures + 1
                                   ELSE 0
                               END,
       last_failed_at = CASE WHEN o.has_failed AND o.was_asked THEN o.known_at ELSE c.last_failed_at END,
       hard_declined_at = CASE WHEN o.is_hard AND o.was_asked THEN coalesce(c.hard_declined_at, o.known_at)
                               ELSE c.hard_declined_at
                           END
  FROM (SELECT *
          FROM json_to_recordset($2::json)
               AS v (attempt_id text, fingerprint text, at timestamptz, was_asked boolean, has_failed boolean,
                     is_hard boolean, known_at timestamptz)
         ORDER BY v.fingerprint) AS o
 WHERE c.tenant_id = $1
   AND c.fingerprint = o.fingerprint
   AND o.attempt_id = ANY (c.under_way);

-- name: find_caps
-- $2 fingerprints.
SELECT fingerprint, pulled_at, under_way, consecutive_failures, last_failed_at, hard_declined_at
  FROM charge_caps
 WHERE tenant_id = $1
   AND fingerprint = ANY($2::text[])
 ORDER BY fingerprint
 LIMIT cardinality($2::text[]);
