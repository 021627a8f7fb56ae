select t.*
from {{ ref('tickets') }} as t
join {{ ref('flights') }} as f using (flight_id)
where t.passed_security_time < t.checkin_time or t.passed_security_time > f.scheduled_local
