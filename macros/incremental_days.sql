{#-
    How the two facts are brought up to date.

    The unit is the day. Each run compares a fingerprint of every day (a count and some sums)
    between what a fact holds and what it is made from. Days that differ are deleted before
    the run, in the same transaction, and days that are absent are inserted. So it does not matter
    how the source changed: days appended, late rows, a session that ended after midnight,
    or a whole history simulated anew after `households` was changed. Days that are the same
    are not touched, and no timestamp has to serve as a watermark.
-#}

{#- The fingerprint of each day of a relation: one row a day. `numbers` are summed. -#}
{% macro day_fingerprint(relation, day, numbers, where='true') -%}
    select
        {{ day }} as day,
        count(*) as row_count
        {%- for number in numbers %},
        sum({{ number }}) as sum_{{ loop.index }}
        {%- endfor %}
    from {{ relation }}
    where {{ where }}
    group by {{ day }}
{%- endmacro %}

{#- Deletes the days that are not the same in `fresh` and `kept`, two queries of fingerprints. -#}
{% macro forget_changed_days(day, fresh, kept) -%}
    {%- if is_incremental() -%}
    with
    fresh as (
        {{ fresh }}
    ),

    kept as (
        {{ kept }}
    ),

    changed as (
        (select * from fresh except select * from kept)
        union all
        (select * from kept except select * from fresh)
    )

    delete from {{ this }}
    where {{ day }} in (select changed.day from changed)
    {%- endif -%}
{%- endmacro %}

{#- True for rows of days that the fact does not hold yet; all rows on a first or full run. -#}
{% macro day_is_absent(day, kept_day) -%}
    {%- if is_incremental() -%}
    {{ day }} not in (select distinct kept.{{ kept_day }} from {{ this }} as kept)
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}

{#- Fingerprints of episode starts: as tracked, and as held by mart_episodes_streamed. -#}
{% macro streamed_days_fresh() -%}
    {{ day_fingerprint(
        ref('stg_tracking'), 'tracked_at::date',
        ['tracking_id', 'session_id', 'user_id', 'episode_id', 'tracked_at::time::interval'],
        where="event_type = 'Episode starts'"
    ) }}
{%- endmacro %}

{% macro streamed_days_kept() -%}
    {{ day_fingerprint(
        this, 'start_date',
        ['tracking_id', 'session_id', 'user_id', 'episode_id', 'start_time::time::interval']
    ) }}
{%- endmacro %}

{#- Fingerprints of sessions: their starts as tracked with what was streamed in them, and as held. -#}
{% macro session_days_fresh() -%}
    select
        starts.day,
        starts.row_count,
        starts.sum_1,
        starts.sum_2,
        starts.sum_3,
        coalesce(streamed.row_count, 0) as sum_4,
        coalesce(streamed.sum_1, 0) as sum_5
    from (
        {{ day_fingerprint(
            ref('stg_tracking'), 'tracked_at::date',
            ['session_id', 'user_id', 'tracked_at::time::interval'],
            where="event_type = 'Session starts'"
        ) }}
    ) as starts
    left join (
        {{ day_fingerprint(ref('mart_episodes_streamed'), 'session_start_date', ['watched_minutes']) }}
    ) as streamed on starts.day = streamed.day
{%- endmacro %}

{% macro session_days_kept() -%}
    {{ day_fingerprint(
        this, 'session_start_date',
        ['session_id', 'user_id', 'session_start_time::time::interval', 'episodes_in_session', 'minutes_watched']
    ) }}
{%- endmacro %}
