//! What is measured, by name.

pub mod chatter;
pub mod fanout;
pub mod history;
pub mod idle;
pub mod search;
pub mod start;

use std::time::Duration;

use crate::{subject::Subject, world::World};

/// How a run is made.
pub struct Plan {
    pub world: World,
    pub rounds: usize,
    /// How long one subject is measured at a time.
    pub span: Duration,
    /// No more readers than this, for a quick look.
    pub most_readers: usize,
    /// How long the conversation is whose history is read.
    pub messages: usize,
}

impl Plan {
    /// Who takes part, beside the baselines: ours, and ours on PostgreSQL where there is one.
    fn stored(&self) -> Vec<Subject> {
        if self.world.database().is_some() { vec![Subject::Ours, Subject::Postgres] } else { vec![Subject::Ours] }
    }
}
