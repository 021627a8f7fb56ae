-- What a careful pipeline does with a feed: each payment once, bad values set apart, late ones marked, and orders
-- whose payment never came listed.
with once as (
    select distinct on (payment_id)
        payment_id, order_id, received_at, method, amount,
        count(*) over (partition by payment_id) as times
    from {{ ref('payments') }}
    order by payment_id
),
expected as (
    -- The number of a payment is its order's number, shifted by the bit of `bits: [1]`, and 1.
    select order_id * 2 + 1 as payment_id, order_id, ordered_at
    from {{ ref('orders') }}
    where status <> 'cancelled'
)
select
    e.payment_id,
    e.order_id,
    p.received_at,
    p.method,
    p.amount,
    p.payment_id is null as is_missing,
    coalesce(p.times > 1, false) as came_twice,
    coalesce(p.received_at > e.ordered_at + interval '10 minutes', false) as is_late,
    p.payment_id is not null
        and (p.method is null or p.method not in ('card', 'transfer', 'voucher') or p.amount is null or p.amount <= 0)
        as is_corrupted
from expected as e
left join once as p using (payment_id)
