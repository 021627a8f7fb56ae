//! The package hub: its index, the versions of a package, and which of them may be installed.
//!
//! The hub's address is that of dbt's hub unless `DBT_PACKAGE_HUB_URL` says otherwise. Answers are asked for once.
use super::entry::{self, Entry};
use super::http::Http;
use super::semver::{Range, Specifier, Version};
use crate::diag::{Diagnostic, Result, code};
use crate::text::{SourceFile, nearest};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Address of the public hub.
const HUB: &str = "https://hub.getdbt.com/";

/// A version of a package.
#[derive(Debug, Clone)]
pub(super) struct Release {
    /// Version.
    pub(super) version: Version,
    /// The version as the hub writes it.
    pub(super) text: String,
    /// Name of the project in it.
    pub(super) name: String,
    /// URL of its archive.
    pub(super) tarball: String,
    /// What it depends on, as a packages file would have it; read only for the version that is chosen.
    listed: Arc<SourceFile>,
    /// Versions of dbt that it wants.
    requires: Vec<Specifier>,
}

impl Release {
    /// What it depends on.
    ///
    /// # Errors
    /// Dependencies that cannot be read.
    pub(super) fn dependencies(&self) -> Result<Vec<Entry>> {
        entry::read(&self.listed, None)
    }
}

/// What the hub knows of a package.
#[derive(Debug, Clone)]
pub(super) struct Listing {
    /// Every version that can be read, the oldest first.
    pub(super) releases: Vec<Release>,
    /// The package that takes its place.
    pub(super) successor: Option<String>,
}

/// The hub.
pub(super) struct Hub {
    base: String,
    index: Option<Vec<String>>,
    listings: BTreeMap<String, Listing>,
    /// The version of dbt to which packages must fit; `None` checks nothing.
    dbt: Option<Version>,
}

impl Hub {
    /// The hub at `base`, or dbt's. `dbt` is the version to which packages must fit, if that is to be checked.
    pub(super) fn new(base: Option<&str>, dbt: Option<Version>) -> Self {
        let mut base = base.filter(|b| !b.is_empty()).unwrap_or(HUB).to_string();
        if !base.ends_with('/') {
            base.push('/');
        }
        Self {
            base,
            index: None,
            listings: BTreeMap::new(),
            dbt,
        }
    }

    /// What the hub knows of a package.
    ///
    /// # Errors
    /// A package that the index does not list, or a hub that cannot be reached or understood.
    pub(super) fn listing(&mut self, http: &Http, package: &str) -> Result<&Listing> {
        if !self.listings.contains_key(package) {
            self.check_index(http, package)?;
            let url = format!("{}api/v1/{package}.json", self.base);
            let body = http.get(&url, &format!("what the hub knows of `{package}`"))?;
            let json: Json =
                serde_json::from_slice(&body).map_err(|e| strange(&url, &e.to_string()))?;
            let listing =
                listing(package, &json).ok_or_else(|| strange(&url, "it lists no versions"))?;
            self.listings.insert(package.to_string(), listing);
        }
        self.listings
            .get(package)
            .ok_or_else(|| strange(package, "nothing").into())
    }

    fn check_index(&mut self, http: &Http, package: &str) -> Result<()> {
        if self.index.is_none() {
            let url = format!("{}api/v1/index.json", self.base);
            let body = http.get(&url, "the package index")?;
            let names: Vec<String> =
                serde_json::from_slice(&body).map_err(|e| strange(&url, &e.to_string()))?;
            self.index = Some(names);
        }
        let names = self.index.as_deref().unwrap_or_default();
        if names.iter().any(|n| n == package) {
            return Ok(());
        }
        let d = Diagnostic::error(
            code::K0904,
            format!("package `{package}` was not found in the package index"),
        );
        let near = nearest(package, names.iter().map(String::as_str));
        Err(match near {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None => d.help("the names of packages stand on the hub's pages; for a repository use a `git:` entry"),
        }
        .into())
    }

    /// Versions that may be installed: fit for this dbt, and released unless earlier ones are asked for.
    fn installable<'a>(&self, listing: &'a Listing, prerelease: bool) -> Vec<&'a Release> {
        listing
            .releases
            .iter()
            .filter(|r| prerelease || !r.version.is_prerelease())
            .filter(|r| {
                self.dbt
                    .as_ref()
                    .is_none_or(|dbt| r.requires.iter().all(|s| s.allows(dbt)))
            })
            .collect()
    }

    /// The highest version within a range.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn choose(
        &mut self,
        http: &Http,
        package: &str,
        range: &Range,
        prerelease: bool,
    ) -> Result<Release> {
        self.listing(http, package)?;
        let listing = &self.listings[package];
        let candidates = self.installable(listing, prerelease || range.names_prerelease());
        let chosen = candidates
            .iter()
            .filter(|r| range.allows(&r.version))
            .max_by(|a, b| a.version.cmp(&b.version));
        if let Some(release) = chosen {
            return Ok((*release).clone());
        }
        let versions: Vec<&str> = candidates.iter().map(|r| r.text.as_str()).collect();
        let mut d = Diagnostic::error(
            code::K0904,
            format!("could not find a matching compatible version for package `{package}`"),
        )
        .note(format!("requested range: {range}"))
        .note(match versions.as_slice() {
            [] => "compatible versions: none".to_string(),
            some => format!("compatible versions: {}", some.join(", ")),
        });
        let unfit = listing
            .releases
            .iter()
            .any(|r| range.allows(&r.version) && !r.version.is_prerelease());
        let early = listing
            .releases
            .iter()
            .any(|r| range.allows(&r.version) && r.version.is_prerelease());
        if unfit {
            d = d.help("versions that ask for another dbt are left out; `tv1 --no-version-check deps` takes them");
        } else if early {
            d = d.help(
                "versions before a release are left out; `install_prerelease: true` takes them",
            );
        }
        Err(d.into())
    }

    /// The highest version that a later look at the hub would choose.
    pub(super) fn latest(&self, package: &str, prerelease: bool) -> Option<Version> {
        let listing = self.listings.get(package)?;
        let all = self.installable(listing, prerelease);
        all.iter().map(|r| r.version.clone()).max()
    }

    /// One version, whether it fits or not.
    ///
    /// # Errors
    /// If the hub does not have it.
    pub(super) fn release(&mut self, http: &Http, package: &str, version: &str) -> Result<Release> {
        let listing = self.listing(http, package)?;
        let found = listing.releases.iter().find(|r| r.text == version);
        found.cloned().ok_or_else(|| {
            Diagnostic::error(
                code::K0904,
                format!("the hub has no version `{version}` of package `{package}`"),
            )
            .help("`tv1 deps --upgrade` chooses another one and writes package-lock.yml anew")
            .into()
        })
    }
}

fn strange(url: &str, why: &str) -> Diagnostic {
    Diagnostic::error(
        code::K0905,
        format!("the package hub gave an answer that cannot be understood: {why}"),
    )
    .note(format!("asked for {url}"))
    .help("check DBT_PACKAGE_HUB_URL; a proxy may answer in the hub's place")
}

fn listing(package: &str, json: &Json) -> Option<Listing> {
    let text = |key: &str| {
        json.get(key)
            .and_then(Json::as_str)
            .filter(|t| !t.is_empty())
            .map(str::to_string)
    };
    let (own_space, own_name) = package.split_once('/').unwrap_or(("", package));
    let space = text("redirectnamespace").unwrap_or_else(|| own_space.to_string());
    let name = text("redirectname").unwrap_or_else(|| own_name.to_string());
    let successor = Some(format!("{space}/{name}")).filter(|s| s != package);
    let mut releases: Vec<Release> = json
        .get("versions")?
        .as_object()?
        .iter()
        .filter_map(|(version, record)| release(package, version, record))
        .collect();
    releases.sort_by(|a, b| a.version.cmp(&b.version));
    Some(Listing {
        releases,
        successor,
    })
}

/// A version of the hub's answer; `None` for one that cannot be read, which is then not offered.
fn release(package: &str, text: &str, record: &Json) -> Option<Release> {
    let version = Version::read(text)?;
    let requires = match record.get("require_dbt_version") {
        Some(Json::String(one)) => one.split(',').map(str::trim).map(Specifier::read).collect(),
        Some(Json::Array(all)) => all
            .iter()
            .filter_map(Json::as_str)
            .map(Specifier::read)
            .collect(),
        _ => Some(Vec::new()),
    };
    let listed = serde_json::json!({"packages": record.get("packages")});
    let listed = SourceFile::new(format!("{package} {text} on the hub"), listed.to_string());
    Some(Release {
        version,
        text: text.to_string(),
        name: record
            .get("name")?
            .as_str()
            .filter(|n| super::files::is_name(n))?
            .to_string(),
        listed,
        tarball: record
            .get("downloads")?
            .get("tarball")?
            .as_str()?
            .to_string(),
        requires: requires.unwrap_or_default(),
    })
}
