//! A report as written: slicers, and tiles in rows.
use crate::text::Place;

/// A report page.
#[derive(Debug, Clone)]
pub struct Report {
    /// Name, as in `tv1 report NAME`.
    pub name: String,
    /// Title.
    pub title: String,
    /// What the page is about, beside the title.
    pub description: String,
    /// Language and number formats (`da-DK`).
    pub locale: String,
    /// Colours as `#RRGGBB`, the most important first.
    pub colors: Vec<String>,
    /// Logo: a file beside the project file.
    pub logo: Option<(String, Place)>,
    /// Most rows of data for a tile in a file.
    pub max_cells: usize,
    /// Parameters that its slicers and tiles may name.
    pub parameters: Vec<Parameter>,
    /// Slicers in order; the first are the most important.
    pub slicers: Vec<Slicer>,
    /// Tiles with their places.
    pub tiles: Vec<Tile>,
    /// Relative heights of the rows.
    pub heights: Vec<f64>,
    /// Where it is declared.
    pub place: Place,
}

/// Metrics that readers choose among.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Name.
    pub name: String,
    /// All of them.
    pub metrics: Vec<(String, Place)>,
    /// Those that are chosen at first.
    pub default: Vec<String>,
    /// Where it is declared.
    pub place: Place,
}

/// What readers can choose.
#[derive(Debug, Clone)]
pub enum Slicer {
    /// Which metrics.
    Parameter {
        /// The parameter.
        name: String,
        /// What it is called.
        label: Option<String>,
        /// Where.
        place: Place,
    },
    /// Which values of a dimension.
    Dimension {
        /// The dimension.
        dimension: String,
        /// What it is called.
        label: Option<String>,
        /// Chosen in charts only.
        hidden: bool,
        /// Where.
        place: Place,
    },
    /// Which days.
    Time {
        /// The time dimension, mostly `date`.
        dimension: String,
        /// What it is called.
        label: Option<String>,
        /// Key of the period that is shown at first.
        default: Option<(String, Place)>,
        /// Periods on offer: `all`, `last_7_days`, `weeks`, `months`, `days`.
        periods: Vec<String>,
        /// Last days that are not complete yet and are left out.
        incomplete_days: u32,
        /// Where.
        place: Place,
    },
}

/// The kinds of tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    Cards,
    Gauge,
    Donut,
    Column,
    Bar,
    Line,
    Table,
    Top,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::Cards,
        Self::Gauge,
        Self::Donut,
        Self::Column,
        Self::Bar,
        Self::Line,
        Self::Table,
        Self::Top,
    ];

    /// The key that makes a tile one of this kind.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cards => "cards",
            Self::Gauge => "gauge",
            Self::Donut => "donut",
            Self::Column => "column",
            Self::Bar => "bar",
            Self::Line => "line",
            Self::Table => "table",
            Self::Top => "top",
        }
    }
}

/// What a tile measures.
#[derive(Debug, Clone)]
pub enum Measures {
    /// These metrics.
    Named(Vec<(String, Place)>),
    /// Those that are chosen for a parameter.
    Parameter(String, Place),
}

/// A tile.
#[derive(Debug, Clone)]
pub struct Tile {
    /// Name on the page: kind and number.
    pub id: String,
    /// Kind.
    pub kind: Kind,
    /// Title; made of the names of what it shows if left out.
    pub title: Option<String>,
    /// What it measures; of a gauge value, greatest value and target.
    pub measures: Measures,
    /// Dimensions that group it: `by`, then `series`.
    pub by: Vec<(String, Place)>,
    /// Finer dimensions that a choice leads to.
    pub drill: Vec<(String, Place)>,
    /// Dimension whose values are images.
    pub image: Option<(String, Place)>,
    /// Most rows to show.
    pub limit: Option<u64>,
    /// `duration` shows minutes as days, hours and minutes.
    pub show: Option<String>,
    /// Cards: the course of each metric over the days.
    pub trend: bool,
    /// Row from 1.
    pub row: usize,
    /// Column from 1 to 12.
    pub column: usize,
    /// Columns that it fills.
    pub span: usize,
    /// Rows that it fills.
    pub rows: usize,
    /// Where.
    pub place: Place,
}

impl Report {
    /// A parameter by its name.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|p| p.name == name)
    }

    /// Metrics of a tile; of one with a parameter all that may be chosen.
    pub fn metrics(&self, tile: &Tile) -> Vec<String> {
        match &tile.measures {
            Measures::Named(list) => list.iter().map(|(m, _)| m.clone()).collect(),
            Measures::Parameter(name, _) => self.parameter(name).map_or_else(Vec::new, |p| {
                p.metrics.iter().map(|(m, _)| m.clone()).collect()
            }),
        }
    }

    /// Every metric of the page, once, in order.
    pub fn all_metrics(&self) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        let parameters = self
            .parameters
            .iter()
            .filter(|p| self.uses(&p.name))
            .flat_map(|p| p.metrics.iter().map(|(m, _)| m.clone()));
        for m in parameters.chain(self.tiles.iter().flat_map(|t| self.metrics(t))) {
            if !out.contains(&m) {
                out.push(m);
            }
        }
        out
    }

    /// Whether a slicer or tile names a parameter.
    fn uses(&self, parameter: &str) -> bool {
        let sliced = self
            .slicers
            .iter()
            .any(|s| matches!(s, Slicer::Parameter { name, .. } if name == parameter));
        sliced
            || self
                .tiles
                .iter()
                .any(|t| matches!(&t.measures, Measures::Parameter(name, _) if name == parameter))
    }

    /// The time dimension of the page.
    pub fn time(&self) -> Option<&str> {
        self.slicers.iter().find_map(|s| match s {
            Slicer::Time { dimension, .. } => Some(dimension.as_str()),
            _ => None,
        })
    }

    /// Dimensions that slicers filter by, the most important first.
    pub fn sliced(&self) -> Vec<String> {
        self.slicers
            .iter()
            .filter_map(|s| match s {
                Slicer::Dimension { dimension, .. } => Some(dimension.clone()),
                _ => None,
            })
            .collect()
    }
}
