-- Sales to report on: 90 days in four regions, the same whenever they are made.
CREATE SCHEMA IF NOT EXISTS nightly;
CREATE TABLE IF NOT EXISTS nightly.sales (id int PRIMARY KEY, day date, region text, item text, amount numeric(10, 2));

INSERT INTO nightly.sales
SELECT n,
  date '2025-01-01' + n % 90,
  (ARRAY['north', 'east', 'south', 'west'])[1 + n / 90 % 4],
  (ARRAY['kettle', 'grinder', 'scale'])[1 + n % 3],
  20 + n * 37 % 83
FROM generate_series(1, 3600) AS n
ON CONFLICT (id) DO NOTHING;
