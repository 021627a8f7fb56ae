select r.*
from {{ ref('returns') }} as r
join {{ ref('orders') }} as o using (order_id)
where o.status <> 'returned' or r.returned_at <= o.ordered_at
