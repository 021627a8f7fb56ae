select d.*
from {{ ref('delays') }} as d
join {{ ref('flights') }} as f using (flight_id)
where d.minutes <> extract(epoch from f.revised_local - f.scheduled_local) / 60 or d.minutes < 15
