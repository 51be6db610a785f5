-- name: name_people
-- scope: people
-- $1 the people whose rows are seen until the transaction ends.
SELECT set_config('duro.people', array_to_string($1::text[], ','), true);

-- name: take_places
-- scope: people
-- $1 the people, then of each reminder $2 its person and $3 itself, in the order in which places are given; $4 the tenant
-- in test mode, else null; $5 business now, $6 wall time after which the places may be forgotten, $7 how many places one
-- person has. Who has a place keeps it, as of now. One row for each person, so that whoever reminds them at the same time
-- waits for it and then counts what was taken; in the order of the people, so that two who remind many do not wait for
-- each other.
INSERT INTO contact_caps AS c (person, tenant_id, reminders, counted_at, forget_at)
SELECT w.person, $4, w.reminders[1:$7::integer],
       array_fill($5::timestamptz, ARRAY[least(cardinality(w.reminders), $7::integer)]), $6
  FROM (SELECT o.person, array_agg(o.reminder ORDER BY o.place) AS reminders
          FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS o (person, reminder, place)
         WHERE o.person = ANY ($1::text[])
         GROUP BY o.person) AS w
 ORDER BY w.person
    ON CONFLICT (person) DO UPDATE
   SET forget_at = greatest(c.forget_at, excluded.forget_at),
       (reminders, counted_at) = (
           SELECT array_agg(k.reminder ORDER BY k.place), array_agg(k.at ORDER BY k.place)
             FROM (SELECT o.reminder, o.at, o.place
                     FROM unnest(c.reminders, c.counted_at) WITH ORDINALITY AS o (reminder, at, place)
                    WHERE o.at > $5 - interval '168 hours'
                      AND o.reminder <> ALL (excluded.reminders)
                    UNION ALL
                   SELECT n.reminder, $5, $7::integer + n.place
                     FROM unnest(excluded.reminders) WITH ORDINALITY AS n (reminder, place)
                    ORDER BY 3
                    LIMIT $7::integer) AS k)
RETURNING ARRAY(SELECT r FROM unnest(c.reminders) AS r WHERE r = ANY ($3::text[])) AS taken;

-- name: give_places_back
-- scope: people
-- $1 the people, $2 reminders that have a place and never went out.
  WITH held AS (
       SELECT person
         FROM contact_caps
        WHERE person = ANY ($1::text[])
        ORDER BY person
          FOR UPDATE
       )
UPDATE contact_caps AS c
   SET (reminders, counted_at) = (
           SELECT COALESCE(array_agg(o.reminder ORDER BY o.place), '{}'), COALESCE(array_agg(o.at ORDER BY o.place), '{}')
             FROM unnest(c.reminders, c.counted_at) WITH ORDINALITY AS o (reminder, at, place)
            WHERE o.reminder <> ALL ($2::text[]))
  FROM held
 WHERE c.person = ANY ($1::text[])
   AND c.person = held.person;

-- name: forget_people
-- scope: people
-- $1 the people, $2 wall time.
DELETE FROM contact_caps
 WHERE person = ANY ($1::text[])
   AND forget_at <= $2;

-- name: list_people_to_forget
-- scope: all tenants
-- $1 wall time, $2 limit.
SELECT person
  FROM contact_caps
 WHERE forget_at <= $1
 ORDER BY forget_at
 LIMIT $2;

-- name: list_tenants_to_forget
-- scope: all tenants
-- $1 wall time, $2 and $3 as every scan gives them. The rows belong to no tenant, so the worker of any one forgets them.
SELECT o.tenant_id
  FROM outbox AS o
 WHERE (SELECT c.forget_at FROM contact_caps AS c ORDER BY c.forget_at LIMIT 1) <= $1
   AND cardinality($2::text[]) = cardinality($3::timestamptz[])
 ORDER BY o.tenant_id
 LIMIT 1;

-- name: next_to_forget
-- Wall time rules here, so no test clock does this work.
SELECT NULL::timestamptz
  FROM outbox
 WHERE tenant_id = $1
 LIMIT 1;
