-- All of it is one transaction, and may be run again and again.
CREATE SCHEMA IF NOT EXISTS quickstart;

CREATE TABLE IF NOT EXISTS quickstart.lines (  -- the file as it is
  id text, ordered_on text, customer text, country text, item text, quantity text, price text
);
CREATE TABLE IF NOT EXISTS quickstart.orders (  -- the good orders
  id int PRIMARY KEY, ordered_on date, customer text, country text, item text, quantity int, price numeric(10, 2)
);

CREATE OR REPLACE VIEW quickstart.checked AS  -- what is wrong with a line; null where nothing is
SELECT CASE
  WHEN id !~ '^\d{1,9}$' THEN 'no number'
  WHEN ordered_on !~ '^\d{4}-\d{2}-\d{2}$' THEN 'no date'
  WHEN coalesce(customer, '') = '' THEN 'no customer'
  WHEN quantity !~ '^[1-9]\d{0,5}$' THEN 'wrong quantity'
  WHEN price !~ '^\d{1,6}(\.\d{1,2})?$' THEN 'wrong price'
END AS problem, *
FROM quickstart.lines;

CREATE OR REPLACE VIEW quickstart.rejected AS
SELECT * FROM quickstart.checked WHERE problem IS NOT NULL;

TRUNCATE quickstart.lines;
