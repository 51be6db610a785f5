-- One statement for each table of test mode, which counts the rows that the tenant of the connection sees.
SELECT format('SELECT count(*) FROM %I', relname) AS statement
  FROM pg_class
 WHERE relnamespace = 'sandbox'::regnamespace
   AND relkind = 'r'
   AND has_table_privilege(oid, 'SELECT')
 ORDER BY relname;
