//! The end of a build with `--publish atomic`: everything is seen at once, or nothing is.
use super::session::Session;
use super::setup::Loaded;
use crate::context::NodeSession;
use crate::diag::{Result, Stopped};
use crate::outcome::{NodeResult, Status};
use crate::report::{Event, Level, NodeInfo};
use crate::run::{self, NodeRunner, Staging};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Drops what a build that broke off has left aside; where that cannot be, it stays, and is told.
pub fn clear_left_over(
    ctx: &Session,
    loaded: &Loaded,
    ids: &[String],
    session: &Mutex<NodeSession>,
) -> Result<()> {
    let schemas = run::schemas(&loaded.shared, &loaded.manifest, ids)?;
    let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
    let options = &loaded.database.options;
    let cleared = run::clear_left_over(&loaded.shared, options, &schemas, session.raw());
    if let Err(stopped) = cleared {
        not_dropped(ctx, &stopped);
    }
    Ok(())
}

fn not_dropped(ctx: &Session, stopped: &Stopped) {
    let why = stopped.0.first().map(|d| d.message.as_str());
    ctx.reporter.emit(Event::Line {
        level: Level::Warn,
        text: format!(
            "What was built aside could not be dropped: {}",
            why.unwrap_or_default()
        ),
        dbt: None,
    });
}

/// Publishes what was built if everything went well, else drops it; says which.
pub fn settle(
    ctx: &Session,
    loaded: &Loaded,
    staging: &Staging,
    results: &mut [(Arc<NodeInfo>, Arc<NodeResult>)],
    interrupted: bool,
) {
    let say = |level: Level, text: String| {
        ctx.reporter.emit(Event::Line {
            level,
            text,
            dbt: None,
        });
    };
    let bad = |s: Status| s.is_failure() || s == Status::Skipped;
    let failed = results.iter().filter(|(_, r)| bad(r.status)).count();
    let connected = crate::pg::Session::connect(&loaded.database.options);
    let session = match connected {
        Ok(session) => Arc::new(Mutex::new(NodeSession::new(session))),
        Err(e) => {
            loaded.shared.staged.clear();
            return say(Level::Error, format!("Nothing was published: {e}"));
        }
    };
    let runner = NodeRunner {
        shared: loaded.shared.clone(),
        session: session.clone(),
        batch: None,
    };
    let begun = Instant::now();
    let why = if interrupted {
        Some("the build was stopped".to_string())
    } else if failed > 0 {
        Some(format!(
            "{failed} of {} nodes failed or were skipped",
            results.len()
        ))
    } else {
        match staging.publish(&runner, &loaded.manifest) {
            Ok(count) => {
                let seconds = begun.elapsed().as_secs_f64();
                say(
                    Level::Info,
                    format!("Published {count} relations in one transaction, in {seconds:.2}s"),
                );
                None
            }
            Err(refused) => {
                run::refuse(results, &refused);
                Some(format!("`{}` could not take its place", refused.unique_id))
            }
        }
    };
    loaded.shared.staged.clear();
    runner.close();
    if let Some(why) = why {
        say(
            Level::Warn,
            format!("Nothing was published, {why}: what was there is as it was"),
        );
        let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(stopped) = staging.discard(session.raw()) {
            not_dropped(ctx, &stopped);
        }
    }
}
