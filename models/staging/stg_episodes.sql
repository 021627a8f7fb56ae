select
    episode_id,
    program_id,
    season_id,
    title,
    details,
    url,
    description,
    image
from {{ source('tv_one', 'episodes') }}
