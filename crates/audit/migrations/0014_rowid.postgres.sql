-- Where SQLite lays the events of the record is a matter of SQLite.
SELECT 1;
