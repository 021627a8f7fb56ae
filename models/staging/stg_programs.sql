select
    program_id,
    title,
    category,
    seasons as season_count,
    url,
    image
from {{ source('tv_one', 'programs') }}
