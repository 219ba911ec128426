//! How long the server takes to start.

use crate::{
    Outcome,
    report::{Goal, Report, Series},
    subject::Subject,
    workload::Plan,
};

pub fn run(plan: &Plan, report: &mut Report) -> Outcome {
    let mut empty = Series::new("start, in an empty folder", "ms");
    for _ in 0..plan.rounds {
        let server = plan.world.run(&plan.world.fresh_folder(), None)?;
        empty.add(Subject::Ours, server.started_in.as_secs_f64() * 1000.0);
    }
    report.judge(&empty, Goal { id: "P12", against: None, must: 300.0, aim: 100.0, more: false });
    Ok(())
}
