select
    o.ordered_on,
    n.name as country,
    count(*) as orders,
    count(distinct o.customer_id) as customers,
    sum(o.amount) as revenue
from {{ ref('stg_orders') }} as o
join {{ ref('stg_customers') }} as c using (customer_id)
join {{ ref('countries') }} as n on n.country = c.country
group by 1, 2
