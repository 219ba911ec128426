//! Memory of people who are there and do nothing, each by a connection of her own.

use std::{cell::Cell, rc::Rc, time::Duration};

use tokio::time::{Instant, sleep};

use crate::{
    Outcome,
    event::{self, CAUGHT_UP},
    report::{Goal, Report, Series},
    subject::Subject,
    wire::Wire,
    workload::Plan,
};

/// Memory hardly varies; the measurement takes long.
const MOST_ROUNDS: usize = 3;

pub async fn run(plan: &mut Plan, report: &mut Report, readers: usize) -> Outcome {
    let readers = readers.min(plan.most_readers);
    // Each side holds one end of every connection, and a few files more.
    let handles = open_files();
    if handles < readers + 100 {
        report.notes.push(format!("idle-{readers} was left out: this system allows {handles} open files per program"));
        return Ok(());
    }
    plan.world.populate(readers).await?;
    let mut memory = Series::new(format!("idle, N={readers}: memory per user"), "KiB");
    let mut total = Series::new(format!("  idle, N={readers}: the whole server"), "MiB");
    for _ in 0..plan.rounds.min(MOST_ROUNDS) {
        for subject in plan.stored().into_iter().chain([Subject::Naive]) {
            let (per_user, all) = measure(plan, subject, readers).await?;
            memory.add(subject, per_user);
            total.add(subject, all / 1024.0);
        }
    }
    report.judge(&memory, Goal { id: "P8", against: None, must: 26.0, aim: 18.0, more: false });
    report.show(&total);
    Ok(())
}

async fn measure(plan: &Plan, subject: Subject, readers: usize) -> Outcome<(f64, f64)> {
    let (server, people, _) = plan.world.start(subject, readers).await?;
    sleep(2 * plan.span).await;
    let before = server.resident()?;
    let live = Rc::new(Cell::new(0));
    let mut wires = Vec::new();
    for person in &people {
        let wire = Wire::connect(server.address, &person.token).await?;
        let live = live.clone();
        wire.subscribe(move |bytes| {
            if event::glance(bytes).kind == CAUGHT_UP {
                live.set(live.get() + 1);
            }
        })?;
        wires.push(wire);
    }
    let from = Instant::now();
    while live.get() < readers {
        if let Some(reason) = wires.iter().find_map(|wire| wire.ended()) {
            return Err(format!("{}: {reason}", subject.name()));
        }
        if from.elapsed() > Duration::from_secs(60) {
            return Err(format!("{}: {} of {readers} streams are live", subject.name(), live.get()));
        }
        sleep(Duration::from_millis(5)).await;
    }
    sleep(2 * plan.span).await;
    let after = server.resident()?;
    Ok(((after - before) / readers as f64, after))
}

/// How many files this program, and so its children, may have open.
fn open_files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(1024)
}
