select
    session_id,
    session_start_time,
    session_end_time
from {{ ref('mart_sessions') }}
where session_end_time < session_start_time
