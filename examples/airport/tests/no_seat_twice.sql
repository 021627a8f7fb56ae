select flight_id, seat_number
from {{ ref('tickets') }}
group by 1, 2
having count(*) > 1
