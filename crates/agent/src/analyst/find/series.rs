//! Figures period by period, without gaps.

use crate::analyst::period::{Grain, Period};
use crate::analyst::plan::{Plan, PlannedQuery};
use crate::analyst::subject::Adding;
use crate::data::Rows;

use super::cells::number;

/// One period's figures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) period: Period,
    /// None where there is nothing to take the mean of.
    pub(super) value: Option<f64>,
    pub(super) records: Option<f64>,
    pub(super) actors: Option<f64>,
    /// Whether the data covers the period whole.
    pub(super) whole: bool,
}

impl Point {
    pub(super) fn amount(&self) -> f64 {
        self.value.unwrap_or(0.0)
    }

    /// The value per record.
    pub(super) fn each(&self) -> Option<f64> {
        let records = self.records.filter(|n| *n > 0.0)?;
        Some(self.value? / records)
    }
}

/// A line of periods, each there, empty ones with zero.
#[derive(Debug, Clone)]
pub(super) struct Series {
    pub(super) grain: Grain,
    pub(super) points: Vec<Point>,
    /// Whether values of several periods may be added.
    pub(super) adds_up: bool,
    /// The calendar years that the data covers whole.
    whole_years: Vec<i32>,
}

impl Series {
    pub(super) fn read(plan: &Plan, query: &PlannedQuery, rows: &Rows, grain: Grain) -> Self {
        let adds_up = query.measure.adding != Adding::Average;
        let records_at = 2;
        let actors_at = records_at + usize::from(query.records.is_some());
        let mut points: Vec<Point> = Vec::with_capacity(rows.rows.len());
        for row in &rows.rows {
            let key = row.first().and_then(serde_json::Value::as_str).unwrap_or_default();
            let Some(period) = Period::from_key(grain, key) else {
                continue;
            };
            if let Some(last) = points.last().map(|point| point.period) {
                let gap = (period.index - last.index - 1).clamp(0, MOST_FILLED);
                points.extend((1..=gap).map(|n| silent(last.plus(n), query, adds_up)));
            }
            points.push(Point {
                period,
                value: number(row, 1),
                records: query.records.as_ref().and_then(|_| number(row, records_at)),
                actors: query.actors.as_ref().and_then(|_| number(row, actors_at)),
                whole: true,
            });
        }
        for point in &mut points {
            point.whole = is_whole(plan, point.period);
        }
        let mut whole_years: Vec<i32> = points.iter().map(|p| p.period.start().year().into()).collect();
        whole_years.dedup();
        whole_years.retain(|year| is_whole(plan, Period { grain: Grain::Year, index: *year }));
        Self { grain, points, adds_up, whole_years }
    }

    /// The points of periods that the data covers whole.
    pub(super) fn whole(&self) -> Vec<Point> {
        self.points.iter().copied().filter(|point| point.whole).collect()
    }

    pub(super) fn at(&self, period: Period) -> Option<Point> {
        self.points.iter().copied().find(|point| point.period == period)
    }

    /// The value of all periods: their sum, or the mean over all records.
    pub(super) fn total(&self) -> f64 {
        if self.adds_up {
            return self.points.iter().map(Point::amount).sum();
        }
        let records: f64 = self.points.iter().filter_map(|p| p.records).sum();
        let weighted: f64 = self.points.iter().filter_map(|p| Some(p.value? * p.records?)).sum();
        if records > 0.0 { weighted / records } else { 0.0 }
    }

    pub(super) fn records(&self) -> f64 {
        self.points.iter().filter_map(|point| point.records).sum()
    }

    /// Whole calendar years, where the series is finer than years and covers them whole.
    pub(super) fn years(&self) -> Vec<(i32, f64, f64)> {
        // A week may lie in two years.
        if !self.adds_up || self.grain == Grain::Week {
            return Vec::new();
        }
        let mut years: Vec<(i32, f64, f64)> = Vec::new();
        for point in &self.points {
            let year = point.period.start().year().into();
            let records = point.records.unwrap_or(0.0);
            match years.last_mut().filter(|last| last.0 == year) {
                Some(last) => {
                    last.1 += point.amount();
                    last.2 += records;
                }
                None => years.push((year, point.amount(), records)),
            }
        }
        years.retain(|(year, ..)| self.whole_years.contains(year));
        years
    }
}

/// More silent periods in a row than this are left out: one stray date must not fill pages.
const MOST_FILLED: i32 = 400;

fn silent(period: Period, query: &PlannedQuery, adds_up: bool) -> Point {
    Point {
        period,
        value: adds_up.then_some(0.0),
        records: query.records.as_ref().map(|_| 0.0),
        actors: query.actors.as_ref().map(|_| 0.0),
        whole: true,
    }
}

/// Whether data and report cover a period from its first to its last day.
fn is_whole(plan: &Plan, period: Period) -> bool {
    let Some(extent) = plan.extent else {
        return false;
    };
    let inside = plan.window.as_ref().is_none_or(|w| w.from <= period.start() && period.end() <= w.to);
    // The first and last days of data say little about periods between them.
    inside && extent.begins(period) && extent.completes(period)
}
