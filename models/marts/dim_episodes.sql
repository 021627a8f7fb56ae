-- title is '3. The long way home', details is '4. Okt 2002 | 1t 10m'
select
    episode_id,
    program_id,
    season_id,
    substring(title from '^\s*(\d+)\.')::int as episode_number,
    title,
    {{ danish_date('details') }} as released_on,
    {{ danish_length('details') }} as duration,
    details,
    description,
    url,
    image
from {{ ref('stg_episodes') }}
