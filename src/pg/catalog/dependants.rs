//! What goes when a relation is dropped with `cascade`, with all that is needed to make it again.
use super::super::error::PgError;
use super::super::session::Session;
use super::super::{quote_ident, quote_literal};
use super::json;
use serde_json::Value;

/// What depends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DependantKind {
    /// A view.
    View,
    /// A materialized view.
    MaterializedView,
    /// A foreign key of another table.
    ForeignKey,
    /// A rewrite rule on another table.
    Rule,
    /// A function whose parsed body reads the relation, or whose arguments have its row type.
    Function,
    /// Anything else, described in PostgreSQL's words (a policy, a default value, a child table).
    Other,
}

/// A privilege that somebody has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Role; none means everybody (`PUBLIC`).
    pub grantee: Option<String>,
    /// Privilege (`SELECT`).
    pub privilege: String,
    /// The column it is limited to.
    pub column: Option<String>,
    /// Whether it may be passed on.
    pub grantable: bool,
}

/// Something that depends on a relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependant {
    /// What it is.
    pub kind: DependantKind,
    /// Schema; of a foreign key or a rule, its table's.
    pub schema: String,
    /// Name; of a foreign key or a rule, its table's; of a function, with its arguments.
    pub table: String,
    /// Name of a foreign key.
    pub name: String,
    /// PostgreSQL's description (`view s.v`, `constraint k on table s.t`).
    pub description: String,
    /// How far it is from the relation by its longest way.
    pub depth: i64,
    /// Whether it names the relation itself, and not only something that depends on it.
    pub direct: bool,
    /// Whether it could be pointed at another relation of the same name without being dropped.
    pub replaceable: bool,
    /// Whether it can be dropped and made again: nothing else depends on it that would be lost.
    pub remakable: bool,
    /// Owner.
    pub owner: String,
    /// Who may do what, the owner's own rights left out.
    pub grants: Vec<Grant>,
    /// The statement that makes it again; empty for `Other`.
    pub definition: String,
    /// Indexes of a materialized view, as statements.
    pub indexes: Vec<String>,
    /// Comments: the column, or none for the whole, and the text.
    pub comments: Vec<(Option<String>, String)>,
    /// Rules, triggers and defaults of a view, as statements.
    pub extras: Vec<String>,
}

impl Dependant {
    /// The statements that make it again, with owner, indexes, comments and privileges.
    pub fn restore(&self) -> Vec<String> {
        if self.definition.is_empty() || !self.remakable {
            return Vec::new();
        }
        let mut sql = vec![self.definition.clone()];
        let word = match self.kind {
            DependantKind::View => "view",
            DependantKind::MaterializedView => "materialized view",
            DependantKind::Function => "function",
            _ => return sql,
        };
        let name = match self.kind {
            DependantKind::Function => format!("{}.{}", quote_ident(&self.schema), self.table),
            _ => format!("{}.{}", quote_ident(&self.schema), quote_ident(&self.table)),
        };
        let kind = match self.kind {
            DependantKind::Function => "function ",
            _ => "",
        };
        sql.extend(self.indexes.iter().chain(&self.extras).cloned());
        for (column, text) in &self.comments {
            let on = match column {
                Some(column) => format!("column {name}.{}", quote_ident(column)),
                None => format!("{word} {name}"),
            };
            sql.push(format!("comment on {on} is {}", quote_literal(text)));
        }
        for grant in &self.grants {
            let column = grant.column.as_ref();
            let column = column.map_or(String::new(), |c| format!(" ({})", quote_ident(c)));
            let to = grant
                .grantee
                .as_ref()
                .map_or("public".to_owned(), |g| quote_ident(g));
            let more = if grant.grantable {
                " with grant option"
            } else {
                ""
            };
            sql.push(format!(
                "grant {}{column} on {kind}{name} to {to}{more}",
                grant.privilege
            ));
        }
        sql.push(format!(
            "alter {word} {name} owner to {}",
            quote_ident(&self.owner)
        ));
        sql
    }

    /// The statements that point it at the relation that now has the name; none when it must be dropped for that.
    pub fn replace(&self) -> Option<Vec<String>> {
        if !self.replaceable || self.definition.is_empty() {
            return None;
        }
        let name = format!("{}.{}", quote_ident(&self.schema), quote_ident(&self.table));
        Some(match self.kind {
            DependantKind::View => {
                vec![
                    self.definition
                        .replacen("create view", "create or replace view", 1),
                ]
            }
            DependantKind::Rule | DependantKind::Function => vec![self.definition.clone()],
            DependantKind::ForeignKey => vec![
                format!(
                    "alter table {name} drop constraint {}",
                    quote_ident(&self.name)
                ),
                self.definition.clone(),
            ],
            DependantKind::MaterializedView | DependantKind::Other => return None,
        })
    }
}

/// All that depends on a relation, nearest first: in this order it can be made again.
pub fn dependants(s: &mut Session, schema: &str, name: &str) -> Result<Vec<Dependant>, PgError> {
    let sql = QUERY
        .replace("$schema", &quote_literal(schema))
        .replace("$name", &quote_literal(name));
    let t = s.fetch(&sql)?;
    Ok(json(&t).map(|v| dependant(&v)).collect())
}

/// `relations`: the views over the relation, and the views over those. `objects`: what depends on any of them, on its
/// row type or on an array of that.
const QUERY: &str = "
with recursive start as (
  select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $schema and c.relname = $name and c.relkind in ('r', 'p', 'v', 'm', 'f')
), relations(oid, depth) as (
  select oid, 0 from start
  union
  select w.ev_class, r.depth + 1
  from relations r
    join pg_catalog.pg_class c on c.oid = r.oid
    cross join lateral (
      select d.objid from pg_catalog.pg_depend d
      where d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = r.oid
        and d.deptype = 'n' and d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
      union all
      select d.objid from pg_catalog.pg_type t
        join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
          and d.refobjid in (t.oid, t.typarray) and d.deptype = 'n'
          and d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
      where t.oid = c.reltype
    ) d
    join pg_catalog.pg_rewrite w on w.oid = d.objid and w.ev_type = '1' and w.rulename = '_RETURN'
  where w.ev_class <> r.oid and r.depth < 1000
), deepest as (
  select oid, max(depth) as depth from relations group by oid
), uses as (
  select r.oid as used, r.depth, d.classid, d.objid, d.by_type
  from deepest r
    join pg_catalog.pg_class c on c.oid = r.oid
    cross join lateral (
      select d.classid, d.objid, false as by_type from pg_catalog.pg_depend d
      where d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = r.oid and d.deptype = 'n'
      union all
      select d.classid, d.objid, true from pg_catalog.pg_type t
        join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
          and d.refobjid in (t.oid, t.typarray) and d.deptype = 'n'
      where t.oid = c.reltype
    ) d
), objects as (
  select d.classid, d.objid, max(d.depth) + 1 as depth, (array_agg(d.used order by d.depth desc))[1] as used,
    bool_or(d.depth = 0) as direct, bool_or(d.by_type) as by_type
  from uses d
  where not exists (
    select from pg_catalog.pg_rewrite w
    where d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and w.oid = d.objid
      and (w.rulename = '_RETURN' or w.ev_class = d.used))
    and not exists (select from pg_catalog.pg_constraint x where x.oid = d.objid and x.conrelid = d.used
      and d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass)
    and not exists (select from pg_catalog.pg_trigger x where x.oid = d.objid and x.tgrelid = d.used
      and d.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass)
    and not exists (select from pg_catalog.pg_policy x where x.oid = d.objid and x.polrelid = d.used
      and d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass)
    and not exists (select from pg_catalog.pg_attrdef x where x.oid = d.objid and x.adrelid = d.used
      and d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass)
  group by d.classid, d.objid
), found as (
  select r.depth, 0 as sort, jsonb_build_object(
    'kind', c.relkind, 'schema', n.nspname, 'table', c.relname, 'depth', r.depth,
    'direct', exists (select from uses u join pg_catalog.pg_rewrite w on w.oid = u.objid
      where u.depth = 0 and u.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
        and w.ev_class = c.oid and w.rulename = '_RETURN'),
    'description', pg_catalog.pg_describe_object('pg_catalog.pg_class'::pg_catalog.regclass, c.oid, 0),
    'owner', pg_catalog.pg_get_userbyid(c.relowner),
    'body', pg_catalog.pg_get_viewdef(c.oid), 'options', c.reloptions, 'filled', c.relispopulated,
    'columns', (select jsonb_agg(a.attname order by a.attnum) from pg_catalog.pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
    'grants', (select jsonb_agg(jsonb_build_object('grantee', g.grantee, 'privilege', g.privilege,
        'column', g.col, 'grantable', g.grantable) order by g.col nulls first, g.grantee nulls first, g.privilege)
      from (
        select null as col, case when x.grantee <> 0 then pg_catalog.pg_get_userbyid(x.grantee) end as grantee,
          x.privilege_type as privilege, x.is_grantable as grantable
        from pg_catalog.aclexplode(c.relacl) x where x.grantee <> c.relowner
        union all
        select a.attname, case when x.grantee <> 0 then pg_catalog.pg_get_userbyid(x.grantee) end,
          x.privilege_type, x.is_grantable
        from pg_catalog.pg_attribute a, pg_catalog.aclexplode(a.attacl) x
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and x.grantee <> c.relowner
      ) g),
    'indexes', (select jsonb_agg(pg_catalog.pg_get_indexdef(x.indexrelid) order by x.indexrelid)
      from pg_catalog.pg_index x where x.indrelid = c.oid),
    'extras', (select jsonb_agg(e.sql order by e.sort, e.oid) from (
        select 0 as sort, f.oid, pg_catalog.format('alter view %I.%I alter column %I set default %s', n.nspname, c.relname,
          a.attname, pg_catalog.pg_get_expr(f.adbin, f.adrelid)) as sql
        from pg_catalog.pg_attrdef f join pg_catalog.pg_attribute a on a.attrelid = f.adrelid and a.attnum = f.adnum
        where f.adrelid = c.oid
        union all
        select 1, w.oid, pg_catalog.regexp_replace(pg_catalog.pg_get_ruledef(w.oid), '^CREATE RULE', 'CREATE OR REPLACE RULE')
        from pg_catalog.pg_rewrite w where w.ev_class = c.oid and w.rulename <> '_RETURN'
        union all
        select 2, t.oid, pg_catalog.pg_get_triggerdef(t.oid)
        from pg_catalog.pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal
      ) e),
    'comments', (select jsonb_agg(jsonb_build_array(a.attname, d.description) order by d.objsubid)
      from pg_catalog.pg_description d
        left join pg_catalog.pg_attribute a on a.attrelid = d.objoid and a.attnum = d.objsubid and d.objsubid > 0
      where d.objoid = c.oid and d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass)
  ) as about
  from deepest r
    join pg_catalog.pg_class c on c.oid = r.oid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where r.depth > 0
  union all
  select o.depth, 1, jsonb_build_object(
    'kind', case when k.oid is not null then 'k' when w.oid is not null then 'w' when p.oid is not null then 'f' else 'o' end,
    'schema', n.nspname, 'depth', o.depth, 'direct', o.direct, 'by_type', o.by_type,
    'table', case when p.oid is null then c.relname
      else pg_catalog.quote_ident(p.proname) || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')' end,
    'description', pg_catalog.pg_describe_object(o.classid, o.objid, 0),
    'owner', pg_catalog.pg_get_userbyid(coalesce(c.relowner, p.proowner)),
    'used', exists (select from pg_catalog.pg_depend d where d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
      and d.refobjid = p.oid and d.deptype = 'n'),
    'grants', (select jsonb_agg(jsonb_build_object('privilege', x.privilege_type, 'grantable', x.is_grantable,
        'grantee', case when x.grantee <> 0 then pg_catalog.pg_get_userbyid(x.grantee) end))
      from pg_catalog.aclexplode(p.proacl) x where x.grantee <> p.proowner),
    'comments', (select jsonb_agg(jsonb_build_array(null, d.description)) from pg_catalog.pg_description d
      where d.objoid = p.oid and d.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass),
    'name', k.conname, 'body', coalesce(pg_catalog.pg_get_constraintdef(k.oid),
      pg_catalog.regexp_replace(pg_catalog.pg_get_ruledef(w.oid), '^CREATE RULE', 'CREATE OR REPLACE RULE'),
      case when p.prokind in ('f', 'p') then pg_catalog.pg_get_functiondef(p.oid) end))
  from objects o
    left join pg_catalog.pg_constraint k
      on o.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass and k.oid = o.objid and k.contype = 'f'
    left join pg_catalog.pg_rewrite w
      on o.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and w.oid = o.objid
    left join pg_catalog.pg_proc p
      on o.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and p.oid = o.objid
    left join pg_catalog.pg_class c on c.oid = coalesce(k.conrelid, w.ev_class)
    left join pg_catalog.pg_namespace n on n.oid = coalesce(c.relnamespace, p.pronamespace)
  where coalesce(k.conparentid, 0) = 0
)
select about from found order by depth, sort, about ->> 'schema', about ->> 'table', about ->> 'description'";

fn dependant(v: &Value) -> Dependant {
    let text = |key: &str| v[key].as_str().unwrap_or_default().to_owned();
    let list = |key: &str| v[key].as_array().cloned().unwrap_or_default();
    let owned = |v: &Value| v.as_str().map(str::to_owned);
    let kind = match v["kind"].as_str() {
        Some("v") => DependantKind::View,
        Some("m") => DependantKind::MaterializedView,
        Some("k") => DependantKind::ForeignKey,
        Some("w") => DependantKind::Rule,
        Some("f") if v["body"].is_string() => DependantKind::Function,
        _ => DependantKind::Other,
    };
    Dependant {
        kind,
        schema: text("schema"),
        table: text("table"),
        name: text("name"),
        description: text("description"),
        depth: v["depth"].as_i64().unwrap_or(1),
        direct: v["direct"].as_bool().unwrap_or(false),
        replaceable: !v["by_type"].as_bool().unwrap_or(false),
        remakable: kind != DependantKind::Function || !v["used"].as_bool().unwrap_or(false),
        owner: text("owner"),
        grants: list("grants")
            .iter()
            .map(|g| Grant {
                grantee: owned(&g["grantee"]),
                privilege: owned(&g["privilege"]).unwrap_or_default(),
                column: owned(&g["column"]),
                grantable: g["grantable"].as_bool().unwrap_or(false),
            })
            .collect(),
        definition: definition(kind, v),
        indexes: list("indexes").iter().filter_map(owned).collect(),
        extras: list("extras").iter().filter_map(owned).collect(),
        comments: list("comments")
            .iter()
            .map(|c| (owned(&c[0]), owned(&c[1]).unwrap_or_default()))
            .collect(),
    }
}

fn definition(kind: DependantKind, v: &Value) -> String {
    let text = |key: &str| v[key].as_str().unwrap_or_default();
    let name = format!(
        "{}.{}",
        quote_ident(text("schema")),
        quote_ident(text("table"))
    );
    let body = text("body").trim().trim_end_matches(';');
    let names = |key: &str, f: &dyn Fn(&str) -> String| -> Vec<String> {
        let items = v[key].as_array().into_iter().flatten();
        items.filter_map(Value::as_str).map(f).collect()
    };
    let columns = names("columns", &quote_ident).join(", ");
    let options = names("options", &str::to_owned);
    let with = if options.is_empty() {
        String::new()
    } else {
        format!(" with ({})", options.join(", "))
    };
    match kind {
        DependantKind::View => format!("create view {name} ({columns}){with} as {body}"),
        DependantKind::MaterializedView => {
            let filled = if v["filled"].as_bool() == Some(false) {
                " with no data"
            } else {
                ""
            };
            format!("create materialized view {name} ({columns}){with} as {body}{filled}")
        }
        DependantKind::ForeignKey => {
            format!(
                "alter table {name} add constraint {} {body}",
                quote_ident(text("name"))
            )
        }
        DependantKind::Rule | DependantKind::Function => body.to_owned(),
        DependantKind::Other => String::new(),
    }
}
