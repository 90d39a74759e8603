//! What a plan is: plain data, so that it can be recorded and carried out later, elsewhere.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::period::{Extent, Grain, Period, Window};
use super::subject::Quantity;
use crate::words::Noun;

/// A report before its queries are run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What sort of report it is.
    pub kind: Kind,
    /// Its title.
    pub title: String,
    /// One line under the title.
    pub subtitle: String,
    /// Label and value pairs for the first page.
    pub facts: Vec<(String, String)>,
    /// What is measured.
    pub measure: Quantity,
    /// What is counted: invoices, records.
    pub records: Noun,
    /// How many rows the table has that the report is about.
    pub rows: u64,
    /// First and last day of the data, where it has dates.
    pub extent: Option<Extent>,
    /// The stretch of time that the report is about, where it is not all of it.
    pub window: Option<Window>,
    /// The queries, the most important first; never more than the budget.
    pub queries: Vec<PlannedQuery>,
    /// How the figures come about.
    pub method: Vec<String>,
    /// What of the request was not done as asked, and why: the summary says it.
    #[serde(default)]
    pub notices: Vec<String>,
    /// What the reader must know about the data or about what could not be done.
    pub caveats: Vec<String>,
}

/// The sort of report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Everything in brief.
    Overview,
    /// One period against the one before and the one a year ago.
    Review,
    /// How it goes on.
    Trend,
    /// By country, by genre.
    Breakdown,
    /// Who is first.
    Ranking,
    /// Who leaves, told by what was bought and when.
    Churn,
    /// Who leaves, told by an end date or a status.
    Cancellations,
    /// There is nothing to ask.
    Empty,
}

/// A query of a plan, and how its answer is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedQuery {
    /// What it is for, as the document's table of queries says.
    pub purpose: String,
    /// The statement.
    pub sql: String,
    /// What its value column measures.
    pub measure: Quantity,
    /// What its column of counts counts; none where the value is that count.
    pub records: Option<Noun>,
    /// Whom its column of different actors counts.
    pub actors: Option<Noun>,
    /// Whether the counts of groups add up to the count of all: one invoice has one country, but
    /// lines of several genres.
    pub counts_add_up: bool,
    /// What the columns are and what the writer makes of them.
    pub reads: Reads,
}

/// The shapes of answers, each with the columns in the order given.
///
/// *Figures* are the value, then the count of records and the count of actors where the query
/// has them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reads {
    /// Period, figures.
    Series {
        /// How time is cut.
        grain: Grain,
        /// The period that a review is about.
        focus: Option<Period>,
    },
    /// Dimension, label, figures, number of groups, value of all groups.
    Shares {
        /// The dimensions, in the order of their numbers in the first column.
        by: Vec<Noun>,
    },
    /// Dimension, label, value now, before, a year before; number of groups, all now, all before.
    Movers {
        /// The dimensions.
        by: Vec<Noun>,
        /// What *now* is called.
        now: String,
        /// What *before* is called.
        before: String,
        /// What *a year before* is called, where that is another one.
        year_before: Option<String>,
    },
    /// Label, period, value; the label is null for all that are not among the first.
    Matrix {
        /// What the labels are.
        by: Noun,
        /// How time is cut.
        grain: Grain,
    },
    /// Outer label, inner label, value, value of the outer one, place of the inner one in it.
    Cross {
        /// What the outer labels are.
        outer: Noun,
        /// What the inner labels are.
        inner: Noun,
    },
    /// Label, detail, figures, first day, last day, number of groups, value of all groups.
    Top {
        /// What the labels are.
        by: Noun,
        /// What the detail is, where there is one.
        detail: Option<Noun>,
        /// How many are asked for.
        count: u32,
        /// Whether it is the last, not the first.
        lowest: bool,
    },
    /// Tenth, how many, value.
    Tenths {
        /// What is cut into tenths.
        by: Noun,
    },
    /// Stage (0 active, 1 quiet, 2 lapsed), once-only or not, how many, value, days since on average.
    Recency {
        /// Days of silence after which somebody is quiet.
        quiet_days: u32,
        /// Days of silence after which somebody counts as lapsed.
        lapse_days: u32,
        /// The day from which is counted back.
        as_of: Date,
    },
    /// Period, active, returning from the period before, new, back next period.
    Retention {
        /// How time is cut.
        grain: Grain,
    },
    /// Label, detail, value, records, last day, days since.
    Lapsed {
        /// What the detail is, where there is one.
        detail: Option<Noun>,
        /// Days of silence after which somebody counts as lapsed.
        lapse_days: u32,
    },
    /// Period, begun, ended, running at its begin, value ended.
    Flow {
        /// How time is cut.
        grain: Grain,
        /// Whether the ends come with a value.
        valued: bool,
    },
    /// Dimension (0 for the whole), label, all, ended, value of all, value of the ended.
    Ended {
        /// The dimensions.
        by: Vec<Noun>,
        /// Whether there are values.
        valued: bool,
    },
    /// First month of the class, first month after it, how many ended in it, how many reached it.
    Tenure,
    /// Name of the figure, mean of those that ended, mean of those that did not.
    Profiles,
    /// Name of the figure, how many have it, total, mean, least, most.
    Spread,
    /// The columns of the table, as they are.
    Listing,
}
