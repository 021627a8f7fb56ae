select
    o.ordered_at::date as day,
    count(distinct o.order_id) as orders,
    sum(l.quantity) as pieces,
    sum(l.amount) as amount,
    count(distinct r.order_id) as orders_returned
from {{ ref('orders') }} as o
join {{ ref('order_lines') }} as l using (order_id)
left join {{ ref('returns') }} as r using (order_id)
where o.status <> 'cancelled'
group by 1
