//! What a whole column of a CSV file holds, judged by every cell of it.

use super::cell::{self, NumberStyle, NumberValue};
use super::date::{self, DateOrder, Moment};

/// How the cells of a column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Boolean,
    Integer(NumberStyle),
    Decimal(NumberStyle),
    Date(DateOrder),
    DateTime(DateOrder),
    Month,
    Text,
}

/// A cell as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stored {
    Null,
    Integer(i64),
    Decimal(f64),
    Text(String),
}

impl Form {
    /// The type the column is declared with; the schema reader knows these words.
    pub(super) fn declared(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::Integer(_) => "INTEGER",
            Self::Decimal(_) => "REAL",
            Self::Date(_) => "DATE",
            Self::DateTime(_) => "DATETIME",
            Self::Month => "MONTH",
            Self::Text => "TEXT",
        }
    }

    /// Reads one cell. What does not fit is `Null`: [`Judgement::misfit`] tells how many there are.
    pub(super) fn read(self, raw: &str) -> Stored {
        let cell = raw.trim();
        if cell::is_absent(cell) {
            return Stored::Null;
        }
        match self {
            Self::Text => Stored::Text(cell.to_owned()),
            Self::Boolean => cell::boolean(cell).map_or(Stored::Null, |yes| Stored::Integer(yes.into())),
            Self::Integer(style) | Self::Decimal(style) => match cell::number(cell, style).map(|n| n.value) {
                None => Stored::Null,
                Some(NumberValue::Integer(n)) if self == Self::Integer(style) => Stored::Integer(n),
                #[expect(clippy::cast_precision_loss, reason = "a decimal column has decimal precision")]
                Some(NumberValue::Integer(n)) => Stored::Decimal(n as f64),
                Some(NumberValue::Decimal(x)) => Stored::Decimal(x),
            },
            Self::Date(order) => {
                date::moment(cell, order).map_or(Stored::Null, |m| Stored::Text(Moment::to_iso(m)))
            }
            Self::DateTime(order) => date::moment(cell, order).map_or(Stored::Null, |m| {
                // One form for the whole column, so that its texts sort as its moments do.
                let time = m.time.unwrap_or(jiff::civil::Time::midnight());
                Stored::Text(Moment { date: m.date, time: Some(time) }.to_iso())
            }),
            Self::Month => date::month(cell).map_or(Stored::Null, Stored::Text),
        }
    }
}

/// What is known of a column after all its cells were seen.
#[derive(Debug, Clone)]
pub(super) struct Judgement {
    pub(super) form: Form,
    /// The currency or `%` that most of its figures carry.
    pub(super) unit: Option<&'static str>,
    /// Cells that do not fit the form, and the first of them with its line.
    pub(super) misfits: u64,
    pub(super) misfit: Option<(u64, String)>,
    /// The form is one of two that fit equally.
    pub(super) uncertain: Option<&'static str>,
}

const STYLES: [NumberStyle; 2] = [NumberStyle::Point, NumberStyle::Comma];
const ORDERS: [DateOrder; 4] =
    [DateOrder::YearFirst, DateOrder::DayFirst, DateOrder::MonthFirst, DateOrder::Named];

/// Figures and dates may have one slip in this many cells, in columns of at least as many.
const CELLS_PER_SLIP: u64 = 20;
/// After so many cells that fit nothing, a column is text and not looked at further.
const GIVE_UP_AFTER: u64 = 2_000;

/// Counts, cell by cell, what a column could be.
#[derive(Debug, Clone, Default)]
pub(super) struct Counter {
    filled: u64,
    booleans: Fit,
    numbers: [Fit; 2],
    dates: [Fit; 4],
    months: Fit,
    decimals: [u64; 2],
    ambiguous: u64,
    /// Whole numbers with more digits than a figure may have.
    long: u64,
    timed: u64,
    unit: Option<&'static str>,
    units: u64,
    units_differ: bool,
    disorder: [u64; 4],
    previous: [Option<jiff::civil::Date>; 4],
}

/// How many cells a form fits, and the first it does not.
#[derive(Debug, Clone, Default)]
struct Fit {
    count: u64,
    misfit: Option<(u64, String)>,
}

impl Fit {
    fn note(&mut self, fits: bool, line: u64, cell: &str) {
        if fits {
            self.count += 1;
        } else if self.misfit.is_none() {
            self.misfit = Some((line, cell.chars().take(40).collect()));
        }
    }
}

impl Counter {
    pub(super) fn see(&mut self, raw: &str, line: u64) {
        let cell = raw.trim();
        if cell::is_absent(cell) || cell::is_absent_figure(cell) {
            return;
        }
        self.filled += 1;
        if self.is_hopeless() {
            return;
        }
        self.booleans.note(cell::boolean(cell).is_some(), line, cell);
        self.long += u64::from(cell::is_long(cell));
        self.see_number(cell, line);
        self.see_date(cell, line);
        self.months.note(date::month(cell).is_some(), line, cell);
    }

    /// Whether no cell had a value.
    pub(super) fn is_empty(&self) -> bool {
        self.filled == 0
    }

    fn see_number(&mut self, cell: &str, line: u64) {
        for (slot, style) in STYLES.into_iter().enumerate() {
            let number = cell::number(cell, style);
            self.numbers[slot].note(number.is_some(), line, cell);
            let Some(number) = number else { continue };
            if matches!(number.value, NumberValue::Decimal(_)) {
                self.decimals[slot] += 1;
            }
            if slot == 0 {
                self.ambiguous += u64::from(number.ambiguous);
            }
            if let Some(unit) = number.unit {
                self.units += 1;
                self.units_differ |= self.unit.is_some_and(|seen| seen != unit);
                self.unit = Some(unit);
            }
        }
    }

    fn see_date(&mut self, cell: &str, line: u64) {
        let mut timed = false;
        for (slot, order) in ORDERS.into_iter().enumerate() {
            let moment = date::moment(cell, order);
            self.dates[slot].note(moment.is_some(), line, cell);
            if let Some(moment) = moment {
                timed |= moment.time.is_some_and(|t| t != jiff::civil::Time::midnight());
                if self.previous[slot].is_some_and(|before| before > moment.date) {
                    self.disorder[slot] += 1;
                }
                self.previous[slot] = Some(moment.date);
            }
        }
        self.timed += u64::from(timed);
    }

    fn is_hopeless(&self) -> bool {
        self.filled > GIVE_UP_AFTER
            && self.fits().into_iter().all(|fit| self.slips(fit) * CELLS_PER_SLIP > self.filled)
    }

    fn fits(&self) -> impl IntoIterator<Item = &Fit> {
        self.numbers.iter().chain(&self.dates).chain([&self.booleans, &self.months])
    }

    fn slips(&self, fit: &Fit) -> u64 {
        self.filled - fit.count
    }

    /// Whether a column may be read so: every cell fits, or all but a few of many.
    fn holds(&self, fit: &Fit) -> bool {
        let slips = self.slips(fit);
        fit.count > 0 && (slips == 0 || slips * CELLS_PER_SLIP <= self.filled)
    }

    /// The number style that this column proves, if it proves one.
    pub(super) fn proves(&self) -> Option<NumberStyle> {
        match (self.holds(&self.numbers[0]), self.holds(&self.numbers[1])) {
            (true, false) => Some(NumberStyle::Point),
            (false, true) => Some(NumberStyle::Comma),
            _ => None,
        }
    }

    /// What the column is. `style` is how the rest of the file writes numbers, where that is
    /// known or likely.
    pub(super) fn judge(&self, style: NumberStyle) -> Judgement {
        let text = Judgement { form: Form::Text, unit: None, misfits: 0, misfit: None, uncertain: None };
        if self.filled == 0 {
            return text;
        }
        if self.holds(&self.booleans) {
            return self.judged(Form::Boolean, &self.booleans, None);
        }
        if let Some(judgement) = self.judge_number(style) {
            return judgement;
        }
        if let Some(judgement) = self.judge_date(style) {
            return judgement;
        }
        if self.holds(&self.months) {
            return self.judged(Form::Month, &self.months, None);
        }
        let numbers_but_for_length = self.long > 0 && self.long + self.numbers[0].count == self.filled;
        let uncertain = numbers_but_for_length
            .then_some("whole numbers of more than 18 digits were read as text, as keys are");
        Judgement { uncertain, ..text }
    }

    fn judge_number(&self, style: NumberStyle) -> Option<Judgement> {
        let style = match (self.holds(&self.numbers[0]), self.holds(&self.numbers[1])) {
            (false, false) => return None,
            (true, false) => NumberStyle::Point,
            (false, true) => NumberStyle::Comma,
            (true, true) => style,
        };
        let slot = STYLES.iter().position(|one| *one == style).unwrap_or(0);
        let form = if self.decimals[slot] > 0 { Form::Decimal(style) } else { Form::Integer(style) };
        let both = self.holds(&self.numbers[1 - slot]);
        let uncertain = (both && self.ambiguous > 0).then_some(match style {
            NumberStyle::Point => {
                "a comma was read as a separator of thousands and a point as the decimal point"
            }
            NumberStyle::Comma => {
                "a point was read as a separator of thousands and a comma as the decimal comma"
            }
        });
        let mut judgement = self.judged(form, &self.numbers[slot], uncertain);
        // Both styles count a unit, so a column has up to two per cell.
        if !self.units_differ && self.units * 2 > self.filled {
            judgement.unit = self.unit;
        }
        Some(judgement)
    }

    fn judge_date(&self, style: NumberStyle) -> Option<Judgement> {
        let fitting: Vec<usize> = (0..ORDERS.len()).filter(|slot| self.holds(&self.dates[*slot])).collect();
        let (slot, uncertain) = match fitting.as_slice() {
            [] => return None,
            [one] => (*one, None),
            several => {
                // Day first or month first: the order in which the file is sorted tells, then
                // the habits of those who write a decimal comma.
                let by_order = several.iter().min_by_key(|slot| self.disorder[**slot])?;
                let sorted =
                    several.iter().filter(|slot| self.disorder[**slot] == self.disorder[*by_order]).count()
                        == 1;
                let day_first = style == NumberStyle::Comma;
                let slot = if sorted {
                    *by_order
                } else if day_first {
                    several[0]
                } else {
                    *several.get(1).unwrap_or(&several[0])
                };
                let said = match ORDERS[slot] {
                    DateOrder::DayFirst => "dates were read as day, month, year",
                    _ => "dates were read as month, day, year",
                };
                (slot, Some(said))
            }
        };
        let form = if self.timed > 0 { Form::DateTime(ORDERS[slot]) } else { Form::Date(ORDERS[slot]) };
        Some(self.judged(form, &self.dates[slot], uncertain))
    }

    fn judged(&self, form: Form, fit: &Fit, uncertain: Option<&'static str>) -> Judgement {
        Judgement { form, unit: None, misfits: self.slips(fit), misfit: fit.misfit.clone(), uncertain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge_in(cells: &[&str], style: NumberStyle) -> Judgement {
        let mut counter = Counter::default();
        for (n, cell) in cells.iter().enumerate() {
            counter.see(cell, n as u64 + 2);
        }
        counter.judge(style)
    }

    fn form(cells: &[&str]) -> Form {
        judge_in(cells, NumberStyle::Point).form
    }

    #[test]
    fn forms_of_columns() {
        use NumberStyle::{Comma, Point};
        assert_eq!(form(&["1", "2", "", "3"]), Form::Integer(Point));
        assert_eq!(form(&["1", "2.5"]), Form::Decimal(Point));
        assert_eq!(form(&["1,5", "2,25"]), Form::Decimal(Comma));
        assert_eq!(form(&["yes", "no"]), Form::Boolean);
        assert_eq!(form(&["01234", "99999"]), Form::Text);
        assert_eq!(form(&["a", "1"]), Form::Text);
        assert_eq!(form(&["", "NULL"]), Form::Text);
        assert_eq!(form(&["2011-01-01", "n/a"]), Form::Date(DateOrder::YearFirst));
        assert_eq!(form(&["2011-01-01 10:00", "2011-01-02"]), Form::DateTime(DateOrder::YearFirst));
        assert_eq!(form(&["2011-01", "2011-02"]), Form::Month);
        assert_eq!(form(&["31/12/2011", "01/02/2011"]), Form::Date(DateOrder::DayFirst));
        assert_eq!(form(&["12/31/2011", "01/02/2011"]), Form::Date(DateOrder::MonthFirst));
    }

    #[test]
    fn ambiguity_is_settled_by_the_file_and_said() {
        let cells = ["1,234", "2,500"];
        let point = judge_in(&cells, NumberStyle::Point);
        assert_eq!(point.form, Form::Integer(NumberStyle::Point));
        assert!(point.uncertain.is_some());
        let comma = judge_in(&cells, NumberStyle::Comma);
        assert_eq!(comma.form, Form::Decimal(NumberStyle::Comma));
        assert!(judge_in(&["1234", "2500"], NumberStyle::Comma).uncertain.is_none());
    }

    #[test]
    fn sorted_dates_tell_their_order() {
        let judgement = judge_in(&["01/02/2011", "02/02/2011", "01/03/2011"], NumberStyle::Point);
        assert_eq!(judgement.form, Form::Date(DateOrder::DayFirst));
        assert!(judgement.uncertain.is_some());
    }

    #[test]
    fn a_few_slips_are_left_out_and_named() {
        let mut cells = vec!["5"; 40];
        cells[10] = "about five";
        let judgement = judge_in(&cells, NumberStyle::Point);
        assert_eq!(judgement.form, Form::Integer(NumberStyle::Point));
        assert_eq!(judgement.misfits, 1);
        assert_eq!(judgement.misfit, Some((12, "about five".to_owned())));
        cells.truncate(15);
        assert_eq!(form(&cells), Form::Text);
    }

    #[test]
    fn units_are_kept_when_they_agree() {
        let judgement = judge_in(&["€ 5", "€ 6"], NumberStyle::Point);
        assert_eq!(judgement.unit, Some("EUR"));
        assert_eq!(judge_in(&["€ 5", "$ 6"], NumberStyle::Point).unit, None);
    }

    #[test]
    fn reading_follows_the_form() {
        let point = NumberStyle::Point;
        assert_eq!(Form::Integer(point).read("1,200"), Stored::Integer(1200));
        assert_eq!(Form::Decimal(point).read("12"), Stored::Decimal(12.0));
        assert_eq!(Form::Text.read(" NA "), Stored::Text("NA".to_owned()));
        assert_eq!(Form::Decimal(point).read("NA"), Stored::Null);
        assert_eq!(Form::Boolean.read("Yes"), Stored::Integer(1));
        assert_eq!(
            Form::DateTime(DateOrder::YearFirst).read("2011-01-02"),
            Stored::Text("2011-01-02 00:00:00".to_owned())
        );
    }
}
