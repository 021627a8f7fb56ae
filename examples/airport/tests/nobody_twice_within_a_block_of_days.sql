-- `distinct: 3 days`: blocks are counted from the first day.
select t.passport_number, (f.scheduled_local::date - date '2025-01-01') / 3 as block
from {{ ref('tickets') }} as t
join {{ ref('flights') }} as f using (flight_id)
group by 1, 2
having count(*) > 1
