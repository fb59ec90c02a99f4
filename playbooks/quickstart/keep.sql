INSERT INTO quickstart.orders
SELECT id::int, ordered_on::date, customer, country, item, quantity::int, price::numeric
FROM quickstart.checked
WHERE problem IS NULL
ON CONFLICT (id) DO UPDATE SET
  ordered_on = excluded.ordered_on, customer = excluded.customer, country = excluded.country,
  item = excluded.item, quantity = excluded.quantity, price = excluded.price;
