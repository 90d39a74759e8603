//! The request's words: what is asked for, of when, by what.

mod when;

use serde::{Deserialize, Serialize};

pub(crate) use when::When;

use super::period::Grain;
use crate::words::{singular, words};

/// What the words of a request ask for, before the data is looked at.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wish {
    /// All words, in small letters, as they were written.
    pub(crate) raw: Vec<String>,
    /// The same words in singular.
    pub(crate) words: Vec<String>,
    pub(crate) aim: Aim,
    /// The grain that is named, if one is.
    pub(crate) grain: Option<Grain>,
    /// Whether the word "review" or the like is there: one period looked at closely.
    pub(crate) review: bool,
    pub(crate) when: Option<When>,
    /// `top 5`.
    pub(crate) count: Option<u32>,
    /// The lowest are asked for, not the highest.
    pub(crate) lowest: bool,
    /// Events are to be counted: "number of", "how many".
    pub(crate) counting: bool,
    /// Means are asked for: "average".
    pub(crate) averaging: bool,
    /// Days after which somebody counts as lost: "inactive for 90 days".
    pub(crate) lapse_days: Option<u32>,
}

/// The sort of question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Aim {
    /// Who leaves, who stays.
    Churn,
    /// Who is first.
    Ranking,
    /// How it goes on.
    Trend,
    /// Nothing particular, or what the rest of the words say.
    Open,
}

const CHURN: [&str; 20] = [
    "churn",
    "churned",
    "churning",
    "retention",
    "retain",
    "retained",
    "lapsed",
    "lapse",
    "inactive",
    "attrition",
    "dormant",
    "winback",
    "loyalty",
    "leaving",
    "leave",
    "cancellation",
    "cancelled",
    "canceled",
    "cancel",
    "lost",
];
const RANKING: [&str; 18] = [
    "top",
    "best",
    "biggest",
    "largest",
    "leading",
    "ranking",
    "rank",
    "highest",
    "strongest",
    "valuable",
    "worst",
    "bottom",
    "lowest",
    "weakest",
    "smallest",
    "poorest",
    "most",
    "least",
];
const LOWEST: [&str; 7] = ["worst", "bottom", "lowest", "weakest", "smallest", "poorest", "least"];
const TREND: [&str; 14] = [
    "trend",
    "growth",
    "growing",
    "grow",
    "development",
    "seasonality",
    "seasonal",
    "season",
    "evolution",
    "history",
    "timeline",
    "progress",
    "yoy",
    "forecast",
];
const REVIEW: [&str; 6] = ["review", "report", "summary", "result", "qbr", "closing"];

impl Wish {
    /// Reads a request.
    pub(crate) fn read(request: &str) -> Self {
        let raw = tokens(request);
        let words: Vec<String> = raw.iter().map(|word| singular(word)).collect();
        let any = |list: &[&str]| raw.iter().chain(&words).any(|w| list.contains(&w.as_str()));
        let follows =
            |first: &str, second: &str| raw.windows(2).any(|pair| pair[0] == first && pair[1] == second);
        let count = count(&raw);
        let aim = if any(&CHURN) || follows("win", "back") || follows("at", "risk") {
            Aim::Churn
        } else if any(&RANKING) || count.is_some() {
            Aim::Ranking
        } else if any(&TREND) || follows("over", "time") || follows("year", "over") {
            Aim::Trend
        } else {
            Aim::Open
        };
        Self {
            aim,
            grain: grain(&raw),
            review: any(&REVIEW),
            when: when::read(request, &raw),
            count,
            lowest: any(&LOWEST),
            counting: follows("how", "many") || follows("number", "of") || any(&["count"]),
            averaging: any(&["average", "mean", "avg", "typical"]),
            lapse_days: lapse_days(&raw, aim),
            words,
            raw,
        }
    }

    /// Whether any of these words is in the request, in singular or plural.
    pub(crate) fn says(&self, list: &[&str]) -> bool {
        self.words.iter().any(|word| list.contains(&word.as_str()))
    }

    /// Where a sequence of words begins in the request.
    pub(crate) fn position(&self, sequence: &[String]) -> Option<usize> {
        if sequence.is_empty() {
            return None;
        }
        self.words.windows(sequence.len()).position(|window| window == sequence)
    }

    /// The word that follows "by" or "per" and names what to group by.
    pub(crate) fn groupings(&self) -> Vec<usize> {
        let markers = ["by", "per", "across", "each", "every"];
        let mut at: Vec<usize> = Vec::new();
        for (n, word) in self.words.iter().enumerate() {
            let after_marker = n > 0 && markers.contains(&self.words[n - 1].as_str());
            // "by country and genre"
            let after_and =
                n > 1 && ["and", "then"].contains(&self.words[n - 1].as_str()) && at.contains(&(n - 2));
            if (after_marker || after_and) && !["the", "a", "an"].contains(&word.as_str()) {
                at.push(n);
            }
        }
        at
    }
}

/// Whether the analyst knows what a word of a request means, whatever the data holds.
pub(crate) fn is_vocabulary(word: &str) -> bool {
    const OTHERS: [&str; 22] = [
        "qbr",
        "quarterly",
        "monthly",
        "weekly",
        "daily",
        "yearly",
        "annual",
        "annually",
        "back",
        "win",
        "risk",
        "count",
        "average",
        "mean",
        "avg",
        "typical",
        "revenue",
        "sale",
        "turnover",
        "income",
        "unit",
        "loss",
    ];
    [&CHURN[..], &RANKING, &LOWEST, &TREND, &REVIEW, &OTHERS].iter().any(|list| list.contains(&word))
        || number(word).is_some()
        || when::is_vocabulary(word)
}

/// The words of a request, figures included, in small letters.
fn tokens(request: &str) -> Vec<String> {
    // `Q3` is one word here, though `Q3` in a column's name is two.
    let mut tokens: Vec<String> = Vec::new();
    for word in words(request) {
        let joins = tokens.last().is_some_and(|last| {
            (last == "q" || last == "h") && word.len() == 1 && word.chars().all(char::is_numeric)
        });
        match tokens.last_mut() {
            Some(last) if joins => last.push_str(&word),
            _ => tokens.push(word),
        }
    }
    tokens
}

const NUMBERS: [(&str, u32); 14] = [
    ("one", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("twelve", 12),
    ("fifteen", 15),
    ("twenty", 20),
    ("fifty", 50),
];

fn number(word: &str) -> Option<u32> {
    let known = NUMBERS.iter().find(|(name, _)| *name == word);
    known.map(|(_, n)| *n).or_else(|| word.parse().ok())
}

/// `top 5`, `5 best`, `ten largest`, `bottom three`.
fn count(raw: &[String]) -> Option<u32> {
    let n = raw.windows(2).find_map(|pair| {
        if RANKING.contains(&pair[0].as_str()) {
            number(&pair[1])
        } else if RANKING.contains(&pair[1].as_str()) {
            number(&pair[0])
        } else {
            None
        }
    })?;
    (1..=50).contains(&n).then_some(n)
}

fn grain(raw: &[String]) -> Option<Grain> {
    let says = |list: &[&str]| raw.iter().any(|word| list.contains(&word.as_str()));
    let numbered = |letter: char| {
        raw.iter().any(|word| {
            word.len() == 2 && word.starts_with(letter) && word.ends_with(|c: char| ('1'..='4').contains(&c))
        })
    };
    if says(&["quarter", "quarterly", "quarters", "qbr"]) || numbered('q') {
        Some(Grain::Quarter)
    } else if says(&["month", "monthly", "months"]) {
        Some(Grain::Month)
    } else if says(&["week", "weekly", "weeks"]) {
        Some(Grain::Week)
    } else if says(&["day", "daily", "days"]) {
        Some(Grain::Day)
    } else if says(&["year", "yearly", "annual", "annually", "years", "yoy"]) {
        Some(Grain::Year)
    } else {
        None
    }
}

/// `inactive for 90 days`, `no order in 6 months`.
fn lapse_days(raw: &[String], aim: Aim) -> Option<u32> {
    if aim != Aim::Churn {
        return None;
    }
    raw.windows(2).find_map(|pair| {
        let n = number(&pair[0])?;
        let days = match singular(&pair[1]).as_str() {
            "day" => n,
            "week" => n.checked_mul(7)?,
            "month" => n.checked_mul(61)? / 2,
            "year" => n.checked_mul(365)?,
            _ => return None,
        };
        (1..=3_650).contains(&days).then_some(days)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aims() {
        for (request, aim) in [
            ("quarterly review", Aim::Open),
            ("top customers", Aim::Ranking),
            ("Who are our 5 best customers?", Aim::Ranking),
            ("churn analysis", Aim::Churn),
            ("which customers are at risk", Aim::Churn),
            ("revenue growth over time", Aim::Trend),
            ("sales by country", Aim::Open),
            ("", Aim::Open),
        ] {
            assert_eq!(Wish::read(request).aim, aim, "{request}");
        }
    }

    #[test]
    fn counts_and_grains() {
        assert_eq!(Wish::read("top 5 genres").count, Some(5));
        assert_eq!(Wish::read("the ten largest accounts").count, Some(10));
        assert_eq!(Wish::read("top customers of 2010").count, None);
        assert_eq!(Wish::read("Monthly revenue").grain, Some(Grain::Month));
        assert_eq!(Wish::read("Q3 2010").grain, Some(Grain::Quarter));
        assert_eq!(Wish::read("customers inactive for 6 months").lapse_days, Some(183));
        assert_eq!(Wish::read("last 6 months of sales").lapse_days, None);
    }

    #[test]
    fn groupings() {
        let wish = Wish::read("Revenue by country and genre per year");
        let named: Vec<&str> = wish.groupings().iter().map(|n| wish.words[*n].as_str()).collect();
        assert_eq!(named, ["country", "genre", "year"]);
    }
}
