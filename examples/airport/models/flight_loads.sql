select
    f.flight_id,
    f.flight_number,
    f.destination_icao,
    f.scheduled_local,
    f.status,
    a.seats,
    count(t.ticket_id) as tickets,
    round(count(t.ticket_id)::numeric / a.seats, 3) as load
from {{ ref('flights') }} as f
join {{ ref('aircraft_models') }} as a using (aircraft_model)
left join {{ source('airport', 'tickets') }} as t using (flight_id)
group by f.flight_id, f.flight_number, f.destination_icao, f.scheduled_local, f.status, a.seats
