//! From what a project and its packages list to one pin for each package.
//!
//! Breadth first, as dbt does it: each round looks at the packages that the round before has brought or narrowed.
use super::entry::{Entry, Spec};
use super::semver::{Range, Specifier};
use super::sources::{Pin, Sources};
use super::{Say, several_revisions};
use crate::diag::{Diagnostic, Result, code};
use crate::text::Place;
use indexmap::IndexMap;

/// A pinned package with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// The package.
    pub(super) pin: Pin,
    /// Name of its folder.
    pub(super) name: String,
}

/// All that asks for one package.
#[derive(Debug, Clone)]
struct Wanted {
    entries: Vec<Entry>,
}

/// What makes two entries ask for the same package.
fn key(spec: &Spec) -> String {
    match spec {
        Spec::Local { path } => format!("local {path}"),
        Spec::Git {
            url, subdirectory, ..
        } => {
            let url = url.strip_suffix(".git").unwrap_or(url);
            format!("git {url} {}", subdirectory.as_deref().unwrap_or(""))
        }
        Spec::Hub { package, .. } => format!("hub {package}"),
        Spec::Tarball { url, .. } => format!("tarball {url}"),
    }
}

/// Resolves entries. `root` is the name of the root project, which no package may have.
///
/// # Errors
/// What cannot be had or contradicts itself.
pub(super) fn resolve(
    entries: &[Entry],
    root: &str,
    sources: &mut Sources<'_>,
    say: &mut dyn FnMut(Say),
) -> Result<Vec<Named>> {
    let mut all: IndexMap<String, Wanted> = IndexMap::new();
    let mut pending: Vec<Entry> = entries.to_vec();
    let mut told: Vec<String> = Vec::new();
    while !pending.is_empty() {
        let mut round: Vec<String> = Vec::new();
        for entry in pending.drain(..) {
            let key = key(&entry.spec);
            let wanted = all.entry(key.clone()).or_insert(Wanted {
                entries: Vec::new(),
            });
            if wanted.entries.contains(&entry) {
                continue;
            }
            wanted.entries.push(entry);
            if !round.contains(&key) {
                round.push(key);
            }
        }
        for key in round {
            let wanted = &all[&key];
            let pin = pin(wanted, sources, say, &mut told)?;
            let metadata = sources.metadata(&pin);
            let metadata = metadata.map_err(|s| located(s, &wanted.entries[0].place))?;
            pending.extend(metadata.dependencies);
        }
    }
    let mut out: Vec<Named> = Vec::new();
    for wanted in all.values() {
        let pin = pin(wanted, sources, say, &mut told)?;
        let name = sources.metadata(&pin)?.name;
        check_name(&name, &pin, root, &out, &wanted.entries[0].place)?;
        out.push(Named { pin, name });
    }
    Ok(out)
}

/// No two packages may have one name, nor may one have the root project's.
pub(super) fn check_name(
    name: &str,
    pin: &Pin,
    root: &str,
    others: &[Named],
    place: &Place,
) -> Result<()> {
    if name == root {
        return Err(Diagnostic::error(
            code::K0909,
            format!(
                "package `{}` has the same name as the root project: `{name}`",
                pin.shown()
            ),
        )
        .at(place.clone())
        .help("names must be unique in a project; rename one of the two")
        .into());
    }
    match others.iter().find(|o| o.name == name) {
        None => Ok(()),
        Some(other) => Err(Diagnostic::error(
            code::K0909,
            format!(
                "found duplicate project `{name}`: packages `{}` and `{}` both have this name",
                other.pin.shown(),
                pin.shown()
            ),
        )
        .at(place.clone())
        .help("leave out one of them")
        .into()),
    }
}

/// The pin that everything that asks for a package leaves.
fn pin(
    wanted: &Wanted,
    sources: &mut Sources<'_>,
    say: &mut dyn FnMut(Say),
    told: &mut Vec<String>,
) -> Result<Pin> {
    let first = &wanted.entries[0];
    match &first.spec {
        Spec::Local { path } => Ok(Pin::Local { path: path.clone() }),
        Spec::Tarball { url, raw_url } => Ok(Pin::Tarball {
            url: url.clone(),
            raw_url: raw_url.clone(),
            name: first.name.clone().unwrap_or_default(),
        }),
        Spec::Git {
            url,
            raw_url,
            subdirectory,
            ..
        } => {
            let revision = revision(url, &wanted.entries)?;
            let mut once = |event: &'static str, text: String| {
                if !told.contains(&text) {
                    told.push(text.clone());
                    say(Say::Warning { event, text });
                }
            };
            if let Some(text) = unpinned(url, revision.as_deref(), &wanted.entries) {
                once("DepsUnpinned", text);
            }
            let checkout = sources
                .git
                .checkout(url, revision.as_deref(), subdirectory.as_deref())
                .map_err(|s| located(s, &first.place))?;
            Ok(Pin::Git {
                url: url.clone(),
                raw_url: raw_url.clone(),
                revision: checkout.commit,
                subdirectory: subdirectory.clone(),
            })
        }
        Spec::Hub { package, .. } => hub(package, &wanted.entries, sources, say, told),
    }
}

/// A diagnostic without a place gets that of the entry.
pub(super) fn located(stopped: crate::diag::Stopped, place: &Place) -> crate::diag::Stopped {
    let said = stopped.0.into_iter().map(|d| {
        if d.labels.is_empty() {
            d.at(place.clone())
        } else {
            d
        }
    });
    crate::diag::Stopped(said.collect())
}

/// The one revision that the entries of a repository ask for.
fn revision(url: &str, entries: &[Entry]) -> Result<Option<String>> {
    let of = |e: &Entry| match &e.spec {
        Spec::Git { revision, .. } => revision.clone(),
        _ => None,
    };
    let first = of(&entries[0]);
    if entries.iter().all(|e| of(e) == first) {
        return Ok(first);
    }
    let mut all: Vec<String> = entries
        .iter()
        .map(|e| of(e).unwrap_or("HEAD".into()))
        .collect();
    all.dedup();
    let places: Vec<Place> = entries.iter().map(|e| e.place.clone()).collect();
    Err(several_revisions(url, &all, &places).into())
}

/// dbt's warning about a revision that can move.
fn unpinned(url: &str, revision: Option<&str>, entries: &[Entry]) -> Option<String> {
    let wanted = entries.iter().any(|e| {
        matches!(
            e.spec,
            Spec::Git {
                warn_unpinned: true,
                ..
            }
        )
    });
    let what = match revision {
        _ if !wanted => return None,
        None | Some("HEAD") => "not pinned, using HEAD (default branch)".to_string(),
        Some(branch @ ("main" | "master")) => format!("pinned to the \"{branch}\" branch"),
        Some(_) => return None,
    };
    Some(format!(
        "The git package \"{url}\" \n\tis {what}.\n\tThis can introduce breaking changes into your project without warning!"
    ))
}

fn hub(
    package: &str,
    entries: &[Entry],
    sources: &mut Sources<'_>,
    say: &mut dyn FnMut(Say),
    told: &mut Vec<String>,
) -> Result<Pin> {
    let mut all: Vec<Specifier> = Vec::new();
    let mut prerelease = false;
    for entry in entries {
        if let Spec::Hub {
            versions,
            prerelease: early,
            ..
        } = &entry.spec
        {
            all.extend(versions.iter().cloned());
            prerelease |= early;
        }
    }
    let Ok(range) = Range::of(&all) else {
        let shown: Vec<String> = all.iter().map(|s| format!("`{s}`")).collect();
        let mut d = Diagnostic::error(
            code::K0903,
            format!(
                "version error for package `{package}`: could not find a satisfactory version from options: {}",
                shown.join(", ")
            ),
        );
        for entry in entries {
            d = d.label(entry.place.clone(), "asked for here");
        }
        return Err(d.help("widen one of the conditions").into());
    };
    let place = &entries[0].place;
    let release = sources
        .hub
        .choose(&sources.http, package, &range, prerelease)
        .map_err(|s| located(s, place))?;
    let successor = sources
        .hub
        .listing(&sources.http, package)?
        .successor
        .clone();
    if let Some(successor) = successor {
        let text = format!(
            "The `{package}` package is deprecated in favor of `{successor}`. Please update your `packages.yml` \
             configuration to use `{successor}` instead."
        );
        if !told.contains(&text) {
            told.push(text.clone());
            let event = "PackageRedirectDeprecation";
            say(Say::Warning { event, text });
        }
    }
    Ok(Pin::Hub {
        package: package.to_string(),
        version: release.text,
        prerelease,
    })
}
