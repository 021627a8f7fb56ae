select
    seasons.season_id,
    seasons.program_id,
    seasons.season_number,
    programs.title || ', sæson ' || seasons.season_number as title,
    seasons.url
from {{ ref('stg_seasons') }} as seasons
inner join {{ ref('stg_programs') }} as programs on seasons.program_id = programs.program_id
