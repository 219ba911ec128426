//! One room, many readers.

use crate::{
    Outcome,
    crowd::{Crowd, Pace, Turn},
    report::{Goal, Report, Series, quantile},
    subject::Subject,
    workload::Plan,
};

/// A load on one room.
pub struct Fanout {
    pub name: &'static str,
    pub readers: usize,
    pub pace: Pace,
}

pub const ALL: [Fanout; 5] = [
    Fanout { name: "one-100", readers: 100, pace: Pace::InFlight(1) },
    Fanout { name: "one-1000", readers: 1000, pace: Pace::InFlight(1) },
    Fanout { name: "burst-1000", readers: 1000, pace: Pace::InFlight(128) },
    Fanout { name: "busy-1000", readers: 1000, pace: Pace::PerSecond(200) },
    Fanout { name: "quiet-100", readers: 100, pace: Pace::PerSecond(20) },
];

/// What the turns showed.
struct Shown {
    cost: Series,
    own: Series,
    rate: Series,
    median: Series,
    slowest: Series,
}

impl Fanout {
    pub async fn run(&self, plan: &mut Plan, report: &mut Report) -> Outcome {
        let readers = self.readers.min(plan.most_readers);
        plan.world.populate(readers + 4).await?;
        let mut subjects = plan.stored();
        subjects.extend([Subject::Plain, Subject::Naive, Subject::Floor]);
        let mut crowds = Vec::new();
        for subject in subjects {
            crowds.push(Crowd::gather(&plan.world, subject, readers).await?);
        }
        let label = match self.pace {
            Pace::InFlight(1) => format!("one in flight, N={readers}"),
            Pace::InFlight(_) => format!("burst, N={readers}"),
            Pace::PerSecond(rate) => format!("{rate} msg/s, N={readers}"),
        };
        let mut shown = Shown {
            cost: Series::new(&label, "us/d"),
            own: Series::new(format!("  {label}: the generator"), "us/d"),
            rate: Series::new(format!("  {label}: the pace"), "msg/s"),
            median: Series::new(format!("{label}: last reader p50"), "ms"),
            slowest: Series::new(format!("{label}: last reader p99"), "ms"),
        };
        for _ in 0..plan.rounds {
            for crowd in &crowds {
                let turn = crowd.turn(self.pace, plan.span).await?;
                shown.add(crowd.subject, &turn, readers);
            }
        }
        self.judge(&shown, report);
        Ok(())
    }

    fn judge(&self, shown: &Shown, report: &mut Report) {
        let less = |id, against, must, aim| Goal { id, against, must, aim, more: false };
        match self.pace {
            Pace::InFlight(1) => {
                report.judge(&shown.cost, less("P1", Some(Subject::Floor), 2.0, 1.6));
                report.judge(&shown.cost, less("P2", Some(Subject::Naive), 0.95, 0.85));
            }
            Pace::InFlight(_) => report.judge(&shown.cost, less("P3", Some(Subject::Naive), 1.0, 0.7)),
            Pace::PerSecond(200) => {
                report.judge(&shown.cost, less("P4", Some(Subject::Naive), 0.5, 0.25));
                report.judge(&shown.slowest, less("P4", None, 60.0, 60.0));
            }
            Pace::PerSecond(_) => report.judge(&shown.median, less("P7", Some(Subject::Floor), 1.6, 1.3)),
        }
        report.show(&shown.own);
        report.show(&shown.rate);
    }
}

impl Shown {
    fn add(&mut self, subject: Subject, turn: &Turn, readers: usize) {
        let deliveries = (turn.messages * readers) as f64;
        self.cost.add(subject, turn.server_cpu.as_secs_f64() * 1e6 / deliveries);
        self.own.add(subject, turn.own_cpu.as_secs_f64() * 1e6 / deliveries);
        self.rate.add(subject, turn.messages as f64 / turn.elapsed.as_secs_f64());
        for (series, share) in [(&mut self.median, 0.5), (&mut self.slowest, 0.99)] {
            if let Some(value) = quantile(&turn.last_reader, share) {
                series.add(subject, value);
            }
        }
    }
}
