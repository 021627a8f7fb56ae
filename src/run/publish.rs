//! `--publish atomic`: what a build makes stands under other names until everything has passed, and then takes the
//! place of what was there in one transaction.
use super::failure::{Failure, compile_failure, database_failure};
use super::node::NodeRunner;
use crate::context::{NodeSession, Relation, STAGED, Shared, not_copied, raised};
use crate::diag::{Diagnostic, Result};
use crate::graph::{Manifest, Node, ResourceType};
use crate::outcome::NodeResult;
use crate::pg::{ConnectOptions, Copied, PgError, Session, copy_table, quote_literal};
use crate::report::NodeInfo;
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// The relations of a build that are not published yet.
#[derive(Debug)]
pub struct Staging {
    /// In the order of the build, with the relation that stands for each node's own.
    nodes: IndexMap<String, Relation>,
    schemas: BTreeSet<String>,
    guard: Option<Guard>,
}

/// Why nothing could be published.
pub struct Refused {
    /// The node whose relation was in the way.
    pub unique_id: String,
    /// What was wrong.
    pub failure: Failure,
}

fn database(e: &PgError) -> Diagnostic {
    e.diagnostic(None, None).heading("Database Error")
}

impl Staging {
    /// The relations that these nodes will make. References find them from now on.
    pub fn new(shared: &Shared, manifest: &Manifest, ids: &[String]) -> Self {
        let (mut nodes, mut pairs) = (IndexMap::new(), BTreeMap::new());
        for node in ids.iter().filter_map(|id| manifest.nodes.get(id)) {
            let makes = match node.resource_type {
                ResourceType::Model => !node.is_ephemeral(),
                kind => matches!(kind, ResourceType::Seed | ResourceType::Snapshot),
            };
            if !makes {
                continue;
            }
            let own = shared.relation_of(node);
            let staged = own.staged();
            nodes.insert(node.unique_id.clone(), staged.clone());
            pairs.insert(node.unique_id.clone(), (own, staged));
        }
        shared.staged.set(pairs);
        let schemas = nodes.values().map(|r| r.stored().0).collect();
        Self {
            nodes,
            schemas,
            guard: None,
        }
    }

    /// A node as it is built: under the name that it has until it is published.
    pub fn node(&self, node: &Node) -> Option<Node> {
        let staged = self.nodes.get(&node.unique_id)?;
        let mut node = node.clone();
        node.alias = staged.identifier.clone()?;
        Some(node)
    }

    /// Waits for other builds of this kind in the same schemas, and drops what one that broke off has left.
    ///
    /// # Errors
    /// The server refuses.
    pub fn begin(
        &mut self,
        options: &ConnectOptions,
        session: &mut Session,
        say: &dyn Fn(String),
    ) -> Result<()> {
        let guard = Guard::of(options, &self.schemas, Some(say));
        self.guard = guard.map_err(|e| database(&e))?;
        self.discard(session)
    }

    /// Drops everything that is not published; what others have hung on it stops that.
    ///
    /// # Errors
    /// Something is in the way, or the server refuses.
    pub fn discard(&self, session: &mut Session) -> Result<()> {
        drop_staged(session, &self.schemas)
    }

    /// Before a node that goes on from what is there: a copy of its table under the name that it has until then.
    ///
    /// # Errors
    /// The table has something that a copy would lose, or the server refuses.
    pub fn carry_over(&self, runner: &NodeRunner, node: &Node) -> std::result::Result<(), Failure> {
        let shared = &runner.shared;
        let fresh = ["view", "table", "materialized_view"].contains(&node.config.materialized());
        let full = node.config.bool("full_refresh");
        let anew = node.resource_type != ResourceType::Snapshot
            && full.unwrap_or_else(|| shared.flag("FULL_REFRESH"));
        let Some(staged) = shared
            .staged
            .of(&node.unique_id)
            .filter(|_| !fresh && !anew)
        else {
            return Ok(());
        };
        let own = shared.relation_of(node);
        let ((schema, name), (_, copy)) = (own.stored(), staged.stored());
        let copied = {
            let mut session = locked(&runner.session);
            copy_table(session.raw(), &schema, &name, &copy)
        };
        match copied {
            Ok(Copied::Nothing) => Ok(()),
            Ok(Copied::Done) => {
                shared.cache.add(&staged.of_kind("table"));
                Ok(())
            }
            Ok(Copied::Cannot(why)) => {
                let d = raised(&not_copied(&own, &why));
                Err(compile_failure(node, d))
            }
            Err(e) => Err(database_failure(node, None, &e, "", 0, None, None)),
        }
    }

    /// Everything in one transaction, what hangs on others first; the time for which readers wait is that of renames.
    ///
    /// # Errors
    /// One of the relations cannot take its place; none has, then.
    pub fn publish(
        &self,
        runner: &NodeRunner,
        manifest: &Manifest,
    ) -> std::result::Result<usize, Refused> {
        let compiler = runner.compiler();
        let mut published = 0;
        let mut step = |id: &String, staged: &Relation| -> std::result::Result<(), Failure> {
            let Some(node) = manifest.nodes.get(id) else {
                return Ok(());
            };
            let scope = compiler.scope(node, compiler.facts(node));
            let done = scope.publish(staged);
            published += 1;
            done.map_err(|e| compile_failure(node, raised(&e)))
        };
        for (id, staged) in self.nodes.iter().rev() {
            if let Err(failure) = step(id, staged) {
                return Err(Refused {
                    unique_id: id.clone(),
                    failure,
                });
            }
        }
        let committed = locked(&runner.session).commit();
        if let (Err(e), Some((id, _))) = (committed, self.nodes.first())
            && let Some(node) = manifest.nodes.get(id)
        {
            let failure = database_failure(node, None, &e, "", 0, None, None);
            return Err(Refused {
                unique_id: id.clone(),
                failure,
            });
        }
        Ok(published)
    }
}

/// Keeps other builds of this kind out of some schemas for as long as it lives. A transaction holds the locks: behind a
/// pooler nothing else goes when the connection does.
#[derive(Debug)]
struct Guard(#[expect(dead_code, reason = "its end is what counts")] Mutex<Session>);

impl Guard {
    /// Takes the schemas; with nobody to tell that it waits, it does not wait, and gives none where one is taken.
    fn of(
        options: &ConnectOptions,
        schemas: &BTreeSet<String>,
        say: Option<&dyn Fn(String)>,
    ) -> std::result::Result<Option<Self>, PgError> {
        let mut session = Session::connect(options)?;
        session.begin()?;
        session.execute("set local idle_in_transaction_session_timeout = 0")?;
        for schema in schemas {
            let key = quote_literal(&format!("{schema}.{STAGED}"));
            let mut lock = |how: &str| {
                let call = format!("{how}(pg_catalog.hashtextextended({key}, 7432))");
                session.fetch(&format!("select pg_catalog.{call}"))
            };
            let free = lock("pg_try_advisory_xact_lock")?;
            if free.scalar().and_then(|c| c.as_bool()) == Some(true) {
                continue;
            }
            let Some(say) = say else {
                return Ok(None);
            };
            say(format!(
                "Waiting for another build that will publish to the schema {schema}"
            ));
            lock("pg_advisory_xact_lock")?;
        }
        Ok(Some(Self(Mutex::new(session))))
    }
}

/// Drops what a build of this kind that broke off has left in some schemas, unless one is at work there.
///
/// # Errors
/// Something is in the way, or the server refuses.
pub fn clear_left_over(
    shared: &Shared,
    options: &ConnectOptions,
    schemas: &BTreeSet<String>,
    session: &mut Session,
) -> Result<()> {
    let is_left = |r: &Relation| r.identifier.as_ref().is_some_and(|i| i.ends_with(STAGED));
    let has_left = |schema: &&String| shared.cache.of_schema(schema).iter().any(is_left);
    let schemas: BTreeSet<String> = schemas.iter().filter(has_left).cloned().collect();
    if schemas.is_empty() {
        return Ok(());
    }
    match Guard::of(options, &schemas, None).map_err(|e| database(&e))? {
        Some(_alone) => drop_staged(session, &schemas),
        None => Ok(()),
    }
}

/// Drops all that has the name of something unpublished; what others have hung on it stops that.
fn drop_staged(session: &mut Session, schemas: &BTreeSet<String>) -> Result<()> {
    let names: Vec<String> = schemas.iter().map(|s| quote_literal(s)).collect();
    if names.is_empty() {
        return Ok(());
    }
    let list = format!(
        "select pg_catalog.format('drop %s if exists %I.%I', case c.relkind when 'v' then 'view' \
         when 'm' then 'materialized view' else 'table' end, n.nspname, c.relname) \
         from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
         where n.nspname in ({}) and c.relkind in ('r', 'v', 'm', 'p') \
         and pg_catalog.right(c.relname, {}) = {} order by c.oid desc",
        names.join(", "),
        STAGED.len(),
        quote_literal(STAGED)
    );
    loop {
        let left = session.fetch(&list).map_err(|e| database(&e))?;
        let drops = left.rows.iter().filter_map(|row| row[0].text());
        // Later ones hang on earlier ones; where it is otherwise, another round finds the way free.
        let (mut done, mut failed) = (0, None);
        for sql in drops {
            match session.execute(&sql) {
                Ok(_) => done += 1,
                Err(e) => failed = failed.or(Some(e)),
            }
        }
        match failed {
            None => return Ok(()),
            Some(e) if done == 0 => return Err(database(&e).into()),
            Some(_) => {}
        }
    }
}

fn locked(session: &Mutex<NodeSession>) -> std::sync::MutexGuard<'_, NodeSession> {
    session.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Books that a node could not be published.
pub fn refuse(results: &mut [(Arc<NodeInfo>, Arc<NodeResult>)], refused: &Refused) {
    for (_, result) in results
        .iter_mut()
        .filter(|(_, r)| r.unique_id == refused.unique_id)
    {
        let mut failed = (**result).clone();
        failed.status = crate::outcome::Status::Error;
        failed.message = Some(refused.failure.message.clone());
        failed.diagnostic = Some(refused.failure.diagnostic.clone());
        *result = Arc::new(failed);
    }
}
