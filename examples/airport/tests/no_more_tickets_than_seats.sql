select * from {{ ref('flight_loads') }} where tickets > seats or load < 0.4
