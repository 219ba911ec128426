//! Figures beside their goals, as a table and as JSON.

use std::{collections::BTreeMap, fmt::Write};

use serde::Serialize;

use crate::subject::Subject;

/// What is asked of a figure. It is judged against another subject's, round by round, or as it is.
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    /// Its number in the table of targets.
    pub id: &'static str,
    pub against: Option<Subject>,
    pub must: f64,
    pub aim: f64,
    /// Whether more is better.
    pub more: bool,
}

/// How a figure stands to its goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Better than what is aimed at.
    Aim,
    /// Good enough.
    Must,
    /// Not good enough.
    Missed,
}

/// One figure of all who were measured, round by round.
#[derive(Clone, Debug, Serialize)]
pub struct Series {
    pub name: String,
    pub unit: &'static str,
    pub rounds: BTreeMap<Subject, Vec<f64>>,
}

impl Series {
    pub fn new(name: impl Into<String>, unit: &'static str) -> Self {
        Self { name: name.into(), unit, rounds: BTreeMap::new() }
    }

    pub fn add(&mut self, subject: Subject, value: f64) {
        self.rounds.entry(subject).or_default().push(value);
    }

    fn median(&self, subject: Subject) -> Option<f64> {
        self.rounds.get(&subject).and_then(|rounds| median(rounds))
    }

    /// The median of the ratios of each round: what disturbs one round disturbs both sides of it.
    fn ratio(&self, one: Subject, other: Subject) -> Option<f64> {
        let (one, other) = (self.rounds.get(&one)?, self.rounds.get(&other)?);
        median(&one.iter().zip(other).map(|(one, other)| one / other).collect::<Vec<_>>())
    }
}

#[derive(Debug, Serialize)]
struct Row {
    id: &'static str,
    #[serde(flatten)]
    series: Series,
    medians: BTreeMap<Subject, f64>,
    against: Option<Subject>,
    /// The ratio, or the figure itself where it is judged as it is.
    judged: Option<f64>,
    must: Option<f64>,
    aim: Option<f64>,
    verdict: Option<Verdict>,
}

/// All figures of a run.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// How many processors the run had; ratios of runs on different machines are not the same.
    processors: usize,
    rounds: usize,
    seconds: f64,
    rows: Vec<Row>,
    pub notes: Vec<String>,
}

impl Report {
    pub fn new(processors: usize, rounds: usize, seconds: f64) -> Self {
        Self { processors, rounds, seconds, ..Self::default() }
    }

    /// A figure that is only shown.
    pub fn show(&mut self, series: &Series) {
        self.push("", series, None, None);
    }

    /// A figure of ours with a goal.
    pub fn judge(&mut self, series: &Series, goal: Goal) {
        let judged = match goal.against {
            Some(other) => series.ratio(Subject::Ours, other),
            None => series.median(Subject::Ours),
        };
        self.push(goal.id, series, judged, Some(goal));
    }

    fn push(&mut self, id: &'static str, series: &Series, judged: Option<f64>, goal: Option<Goal>) {
        let medians = Subject::ALL.into_iter().filter_map(|subject| Some((subject, series.median(subject)?)));
        self.rows.push(Row {
            id,
            series: series.clone(),
            medians: medians.collect(),
            against: goal.and_then(|goal| goal.against),
            judged,
            must: goal.map(|goal| goal.must),
            aim: goal.map(|goal| goal.aim),
            verdict: goal.zip(judged).map(|(goal, judged)| verdict(&goal, judged)),
        });
    }

    /// How many goals were missed.
    pub fn missed(&self) -> usize {
        self.rows.iter().filter(|row| row.verdict == Some(Verdict::Missed)).count()
    }

    /// For a terminal.
    pub fn table(&self) -> String {
        let shown: Vec<Subject> = Subject::ALL
            .into_iter()
            .filter(|subject| self.rows.iter().any(|row| row.medians.contains_key(subject)))
            .collect();
        let width = self.rows.iter().map(|row| row.label().chars().count()).max().unwrap_or(0);
        let mut table = format!("{:<4} {:<width$}", "", "");
        for subject in &shown {
            let _ = write!(table, " {:>9}", subject.name());
        }
        let _ = writeln!(table, " {:>14} {:>7} {:>7}", "ratio", "must", "aim");
        for row in &self.rows {
            let _ = write!(table, "{:<4} {:<width$}", row.id, row.label());
            for subject in &shown {
                let _ = write!(table, " {:>9}", row.medians.get(subject).map_or(String::new(), |value| number(*value)));
            }
            if let (Some(must), Some(aim)) = (row.must, row.aim) {
                let judged = row.judged.map_or("-".into(), number);
                let against = row.against.map_or(String::new(), |other| format!(" x {}", other.name()));
                let _ = write!(table, " {:>14} {:>7} {:>7}", format!("{judged}{against}"), number(must), number(aim));
                table.push_str(match row.verdict {
                    Some(Verdict::Aim) => "  aim reached",
                    Some(Verdict::Must) => "  ok",
                    Some(Verdict::Missed) => "  MISSED",
                    None => "",
                });
            }
            table.push('\n');
        }
        for note in &self.notes {
            let _ = writeln!(table, "{note}");
        }
        table
    }
}

impl Row {
    fn label(&self) -> String {
        format!("{}, {}", self.series.name, self.series.unit)
    }
}

fn verdict(goal: &Goal, judged: f64) -> Verdict {
    let reaches = |bound: f64| if goal.more { judged >= bound } else { judged <= bound };
    match (reaches(goal.aim), reaches(goal.must)) {
        (true, _) => Verdict::Aim,
        (false, true) => Verdict::Must,
        (false, false) => Verdict::Missed,
    }
}

/// The middle one.
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// The value that this share of all does not exceed.
pub fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let rank = (values.len() as f64 * share).ceil() as usize;
    values.get(rank.max(1) - 1).copied()
}

/// Three digits that count.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.995 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_within_a_round() {
        let mut series = Series::new("x", "us");
        for (ours, floor) in [(2.0, 1.0), (40.0, 20.0), (3.0, 1.0)] {
            series.add(Subject::Ours, ours);
            series.add(Subject::Floor, floor);
        }
        assert_eq!(series.ratio(Subject::Ours, Subject::Floor), Some(2.0));
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.99), Some(4.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn a_goal_may_ask_for_more_or_for_less() {
        let less = Goal { id: "", against: None, must: 2.0, aim: 1.0, more: false };
        assert_eq!(
            [0.5, 1.5, 2.5].map(|judged| verdict(&less, judged)),
            [Verdict::Aim, Verdict::Must, Verdict::Missed]
        );
        let more = Goal { must: 10.0, aim: 30.0, more: true, ..less };
        assert_eq!(
            [40.0, 20.0, 5.0].map(|judged| verdict(&more, judged)),
            [Verdict::Aim, Verdict::Must, Verdict::Missed]
        );
    }
}
