with sessions as (

    select
        count(*) as sessions,
        count(*) filter (where is_streaming) as streaming_sessions,
        coalesce(sum(minutes_watched), 0) as minutes_watched
    from {{ ref('mart_sessions') }}

),

streamed as (

    select
        count(*) as episodes_watched,
        count(*) filter (where finished) as episodes_watched_to_end,
        coalesce(sum(watched_minutes), 0) as minutes_watched
    from {{ ref('mart_episodes_streamed') }}

),

expected as (

    select
        mart,
        measure,
        value
    from sessions
    cross join streamed
    cross join lateral (
        values
        ('kpi_daily', 'sessions', sessions.sessions::numeric),
        ('kpi_daily', 'streaming_sessions', sessions.streaming_sessions),
        ('kpi_daily', 'episodes_watched', streamed.episodes_watched),
        ('kpi_daily', 'episodes_watched_to_end', streamed.episodes_watched_to_end),
        ('kpi_daily', 'minutes_watched', streamed.minutes_watched),
        ('kpi_platform', 'sessions', sessions.sessions),
        ('kpi_platform', 'streaming_sessions', sessions.streaming_sessions),
        ('kpi_platform', 'minutes_watched', sessions.minutes_watched),
        ('kpi_program', 'episodes_watched', streamed.episodes_watched),
        ('kpi_program', 'episodes_watched_to_end', streamed.episodes_watched_to_end),
        ('kpi_program', 'minutes_watched', streamed.minutes_watched),
        ('kpi_session_length', 'sessions', sessions.sessions),
        ('kpi_session_length', 'minutes_watched', sessions.minutes_watched)
    ) as facts (mart, measure, value)

),

actual as (
    {% set measures = {
        'kpi_daily': ['sessions', 'streaming_sessions', 'episodes_watched', 'episodes_watched_to_end', 'minutes_watched'],
        'kpi_platform': ['sessions', 'streaming_sessions', 'minutes_watched'],
        'kpi_program': ['episodes_watched', 'episodes_watched_to_end', 'minutes_watched'],
        'kpi_session_length': ['sessions', 'minutes_watched'],
    } %}
    {%- for mart, names in measures.items() %}
    {%- for name in names %}
    select
        '{{ mart }}' as mart,
        '{{ name }}' as measure,
        coalesce(sum({{ name }}), 0)::numeric as value
    from {{ ref(mart) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

)

select
    mart,
    measure,
    expected.value as in_facts,
    actual.value as in_mart
from expected
full join actual using (mart, measure)
where expected.value is distinct from actual.value
