select
    f.destination_icao,
    p.city,
    count(*) as flights,
    count(*) filter (where f.status = 'Canceled') as cancelled,
    count(d.delay_id) as delayed,
    round(avg(d.minutes), 1) as minutes_when_delayed
from {{ ref('flights') }} as f
join {{ ref('airports') }} as p on p.icao = f.destination_icao
left join {{ ref('delays') }} as d using (flight_id)
group by f.destination_icao, p.city
