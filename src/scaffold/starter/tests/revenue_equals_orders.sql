-- Fails if the mart loses an order or counts one twice.
select m.revenue, o.revenue as revenue_of_orders
from (select sum(revenue) as revenue from {{ ref('sales_by_day') }}) as m
cross join (select sum(amount) as revenue from {{ ref('stg_orders') }}) as o
where m.revenue is distinct from o.revenue
