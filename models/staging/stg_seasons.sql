select
    season_id,
    program_id,
    season as season_number,
    url
from {{ source('tv_one', 'seasons') }}
