select o.order_id
from {{ ref('orders') }} as o
left join {{ ref('order_lines') }} as l using (order_id)
group by o.order_id
having count(l.order_line_id) = 0 or sum(l.amount) <> sum(l.quantity * l.unit_price)
