//! One step after the other, each with a line and a time, and all of them once more at the end.

use std::time::{Duration, Instant};

use crate::Outcome;

/// The steps of one run.
pub struct Steps {
    planned: Vec<&'static str>,
    done: Vec<(&'static str, Duration)>,
    begun: Instant,
}

impl Steps {
    /// A run of these steps.
    pub fn new(planned: Vec<&'static str>) -> Self {
        Steps { planned, done: Vec::new(), begun: Instant::now() }
    }

    /// Runs one step.
    pub fn run<T>(&mut self, name: &'static str, step: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        let place = self.done.len() + 1;
        println!("\n== {place}/{} {name}", self.planned.len());
        let begun = Instant::now();
        let outcome = step();
        self.done.push((name, begun.elapsed()));
        match &outcome {
            Ok(_) => println!("== {name}: ok, {}", seconds(begun.elapsed())),
            Err(sentence) => println!("== {name}: FAILED, {}: {sentence}", seconds(begun.elapsed())),
        }
        outcome
    }

    /// The summary. The last step that was begun is the one that failed, if any did.
    pub fn print(&self, outcome: &Outcome) {
        println!("\n== summary");
        for (place, (name, time)) in self.done.iter().enumerate() {
            let failed = outcome.is_err() && place + 1 == self.done.len();
            println!("{name:<14}{:<8}{:>9}", if failed { "FAILED" } else { "ok" }, seconds(*time));
        }
        for name in self.planned.iter().skip(self.done.len()) {
            println!("{name:<14}not run");
        }
        println!("{:<14}{:<8}{:>9}", "in all", "", seconds(self.begun.elapsed()));
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
