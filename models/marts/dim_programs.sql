select
    program_id,
    title,
    category,
    season_count,
    url,
    image
from {{ ref('stg_programs') }}
