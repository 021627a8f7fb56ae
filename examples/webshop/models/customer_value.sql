select
    c.customer_id,
    c.channel,
    c.joined_on,
    count(distinct o.order_id) as orders,
    coalesce(sum(l.amount), 0) as amount
from {{ ref('customers') }} as c
left join {{ ref('orders') }} as o on o.customer_id = c.customer_id and o.status = 'delivered'
left join {{ ref('order_lines') }} as l on l.order_id = o.order_id
group by c.customer_id, c.channel, c.joined_on
