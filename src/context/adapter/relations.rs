//! What templates ask the adapter of relations, their columns and schemas, and what they do with them.
use super::Adapter;
use crate::context::args::Args;
use crate::context::column::{Column, translate};
use crate::context::exceptions::{Raised, compilation};
use crate::context::relation::Relation;
use crate::context::scope::Inner;
use crate::context::shared::Say;
use crate::jinja::MacroRef;
use crate::jinja::python::{self, List};
use minijinja::value::Value;
use minijinja::{Error, State};

impl Adapter {
    pub(super) fn get_relation(&self, args: &Args) -> Result<Value, Error> {
        let database = args
            .text(0, "database")
            .unwrap_or_else(|| self.0.shared.target.connection.dbname.clone());
        let (schema, id) = (
            args.text(1, "schema").unwrap_or_default(),
            args.text(2, "identifier").unwrap_or_default(),
        );
        if !database.eq_ignore_ascii_case(&self.0.shared.target.connection.dbname) {
            return Ok(Value::from(()));
        }
        Ok(self
            .0
            .find(&database, &schema, &id)?
            .map_or_else(|| Value::from(()), Relation::value))
    }

    /// The columns of a relation, by the macro of the project or a package if there is one.
    pub(super) fn columns_value(
        &self,
        state: &mut State<'_, '_>,
        relation: &Value,
    ) -> Result<Value, Error> {
        let it = Relation::expect(relation, "relation")?;
        if self.replaced("get_columns_in_relation") {
            return self.call_macro(
                state,
                "get_columns_in_relation",
                std::slice::from_ref(relation),
            );
        }
        let columns = self.0.columns(&it)?;
        Ok(List::value(
            columns.into_iter().map(Column::value).collect(),
        ))
    }

    pub(super) fn columns_of(
        &self,
        state: &mut State<'_, '_>,
        relation: &Value,
    ) -> Result<Vec<Column>, Error> {
        let columns = python::iterate(&self.columns_value(state, relation)?)?;
        let columns = columns
            .iter()
            .filter_map(|c| c.downcast_object_ref::<Column>());
        Ok(columns.cloned().collect())
    }

    pub(super) fn missing_columns(
        &self,
        state: &mut State<'_, '_>,
        args: &Args,
    ) -> Result<Value, Error> {
        let there = self.columns_of(state, &args.required(1, "to_relation")?)?;
        let from = self.columns_of(state, &args.required(0, "from_relation")?)?;
        let missing = from
            .into_iter()
            .filter(|c| !there.iter().any(|t| t.name == c.name));
        Ok(List::value(missing.map(Column::value).collect()))
    }

    pub(super) fn expand(&self, state: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
        let from = args.required(0, "from_relation")?;
        let to = args.required(1, "to_relation")?;
        let target = self.columns_of(state, &to)?;
        for new in self.columns_of(state, &from)? {
            let Some(old) = target.iter().find(|t| t.name == new.name) else {
                continue;
            };
            if old.can_expand_to(&new) {
                let size = new.char_size.unwrap_or(256);
                let kind = Value::from(format!(
                    "character varying({})",
                    if new.dtype == "text" { 256 } else { size }
                ));
                self.call_macro(
                    state,
                    "alter_column_type",
                    &[to.clone(), Value::from(new.name.as_str()), kind],
                )?;
            }
        }
        Ok(Value::from(()))
    }

    pub(super) fn call_macro(
        &self,
        state: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let engine = &self.0.shared.engine;
        let registry = engine.registry();
        let def = registry
            .of_adapter(name)
            .ok_or_else(|| compilation(format!("the macro `{name}` is missing")))?;
        let found = Value::from_object(MacroRef(def.clone()));
        let foreign = !registry.is_builtin(&def.package) && *def.package != *self.0.package;
        if !foreign {
            return found.call(state, args);
        }
        // What the macro of a package dispatches is looked for in that package, whoever uses the adapter.
        let beside = self.0.beside(&def.package);
        engine.call(&found, args, &[], beside.scope()).map_err(|e| {
            let raised = e.payload::<Raised>().cloned();
            raised.map_or_else(|| compilation(e.to_string()), Raised::into_error)
        })
    }

    pub(super) fn schema(
        &self,
        state: &mut State<'_, '_>,
        name: &str,
        args: &Args,
    ) -> Result<Value, Error> {
        let relation = Relation::expect(&args.required(0, "relation")?, "relation")?;
        let schema = relation.schema.clone().unwrap_or_default();
        let bare = Relation {
            include: [relation.include[0], relation.include[1], false],
            identifier: None,
            ..relation
        };
        self.call_macro(state, name, &[bare.value()])?;
        if name == "drop_schema" {
            self.0.shared.cache.drop_schema(&schema);
        }
        self.0.commit()
    }

    pub(super) fn change(
        &self,
        state: &mut State<'_, '_>,
        name: &str,
        args: &Args,
    ) -> Result<Value, Error> {
        let first = args
            .required(0, "relation")
            .or_else(|_| args.required(0, "from_relation"))?;
        let relation = Relation::expect(&first, "relation")?;
        match name {
            "drop_relation" => {
                if relation.kind.is_none() {
                    return Err(compilation(format!(
                        "Tried to drop relation {}, but its type is null.",
                        relation.name()
                    )));
                }
                self.0.hold(&relation)?;
                self.call_macro(state, "drop_relation", std::slice::from_ref(&first))?;
                self.0.shared.cache.drop_relation(&relation);
            }
            "truncate_relation" => drop(self.call_macro(state, "truncate_relation", &[first])?),
            _ => {
                let second = args.required(1, "to_relation")?;
                let to = Relation::expect(&second, "to_relation")?;
                self.0.take_turns(&relation)?;
                self.call_macro(state, "rename_relation", &[first, second])?;
                self.0.shared.cache.rename(&relation, &to);
                self.0.note_rename(&relation, &to);
            }
        }
        Ok(Value::from(""))
    }

    pub(super) fn schema_exists(
        &self,
        state: &mut State<'_, '_>,
        args: &Args,
    ) -> Result<Value, Error> {
        let database = args.required(0, "database")?;
        let schema = args.required_text(1, "schema")?;
        let information =
            Relation::new(&python::str_of(&database), "", "").information_schema(None);
        let asked = [information.value(), Value::from(schema)];
        let table = self.call_macro(state, "check_schema_exists", &asked)?;
        let rows = python::iterate(&table)?;
        let first = rows
            .first()
            .map(|r| r.get_item(&Value::from(0)))
            .transpose()?;
        Ok(Value::from(first.and_then(|c| c.as_i64()).unwrap_or(0) > 0))
    }

    pub(super) fn query_columns(&self, args: &Args) -> Result<Value, Error> {
        let sql = args.required_text(0, "sql")?;
        let mut session = self.0.connection()?;
        // A header before the query cannot be described together with it: the server has to run both.
        let several = sql.trim_end().trim_end_matches(';').contains(';');
        let columns = if several {
            session.fetch(&sql, Some(0)).map(|(_, table)| table.columns)
        } else {
            session.raw().describe(&sql)
        };
        let columns = columns.map_err(|e| Inner::database_error(e, sql.clone(), 0))?;
        for column in columns.iter().filter(|c| !c.is_known()) {
            let text = format!(
                "The `type_code` {} was not recognized, which may affect error messages for enforced contracts that fail as well as `Column.data_type` values returned by `get_column_schema_from_query`",
                column.oid
            );
            (self.0.shared.say)(Say::Log(text, false));
        }
        Ok(List::value(
            columns
                .iter()
                .map(|c| Column::plain(&c.name, &translate(&c.driver_type())).value())
                .collect(),
        ))
    }

    pub(super) fn cache(&self, name: &str, args: &Args) -> Result<Value, Error> {
        let Some(relation) = args
            .positional
            .first()
            .and_then(|v| Relation::of(v).cloned())
        else {
            return Ok(Value::from(""));
        };
        let cache = &self.0.shared.cache;
        match name {
            "cache_added" => cache.add(&relation),
            "cache_dropped" => cache.drop_relation(&relation),
            _ => {
                if let Some(to) = args.positional.get(1).and_then(Relation::of) {
                    cache.rename(&relation, to);
                }
            }
        }
        Ok(Value::from(""))
    }

    pub(super) fn list_relations(&self, args: &Args) -> Result<Value, Error> {
        let schema = Relation::expect(&args.required(0, "schema_relation")?, "schema_relation")?
            .schema
            .unwrap_or_default();
        let database = self.0.shared.target.connection.dbname.clone();
        let mut session = self.0.connection()?;
        self.0
            .shared
            .cache
            .fill(session.raw(), &database, std::slice::from_ref(&schema))
            .map_err(|e| Inner::database_error(e, String::new(), 0))?;
        Ok(List::value(
            self.0
                .shared
                .cache
                .of_schema(&schema)
                .into_iter()
                .map(Relation::value)
                .collect(),
        ))
    }
}
