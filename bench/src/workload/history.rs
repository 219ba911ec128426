//! Pages of a long conversation, against a call that does nothing; then the start with such a database, after a kill.

use std::{cell::Cell, rc::Rc, time::Instant};

use futures::{StreamExt, TryStreamExt, stream};
use rookery_api::v1::{
    self, GetServerInfoRequest, ListMessagesRequest, list_messages_request::At,
    message_service_client::MessageServiceClient, server_service_client::ServerServiceClient,
};
use tonic::{Request, metadata::AsciiMetadataValue, transport::Channel};

use crate::{
    Outcome, crowd, fault,
    report::{Goal, Report, Series, median},
    subject::{Server, Subject},
    wire::Wire,
    workload::Plan,
    world::Person,
};

const SENDERS: usize = 16;
/// A connection takes 64 calls at a time.
const IN_FLIGHT: usize = SENDERS * 60;
/// Calls of each sort in a round.
const CALLS: usize = 300;

pub async fn run(plan: &mut Plan, report: &mut Report) -> Outcome {
    plan.world.populate(SENDERS).await?;
    let (mut server, people, folder) = plan.world.start(Subject::Ours, SENDERS).await?;
    let took = fill(&server, &people, plan.messages).await?;
    report.notes.push(format!(
        "history: {} messages were stored at {:.0} a second",
        plan.messages,
        plan.messages as f64 / took
    ));
    let size = plan.messages;
    let mut nothing = Series::new("  a call that does nothing: p50", "ms");
    let mut latest = Series::new(format!("  history of {size}, latest page: p50"), "ms");
    let mut random = Series::new(format!("  history of {size}, random page: p50"), "ms");
    let mut over_nothing =
        Series::new(format!("history of {size}: latest page over a call that does nothing"), "times");
    let mut over_latest = Series::new(format!("history of {size}: random page over latest"), "times");
    let reader = Reader::connect(&server, &people[0]).await?;
    let mut place: i64 = 1;
    for _ in 0..plan.rounds {
        let mut waits = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..CALLS {
            waits[0].push(reader.nothing().await?);
            waits[1].push(reader.page(None).await?);
            // As good as chance for this, and the same in each run.
            place = place * 48_271 % 2_147_483_647;
            waits[2].push(reader.page(Some(51 + place % (size.max(100) as i64 - 50))).await?);
        }
        let [base, end, middle] = waits.map(|waits| median(&waits).unwrap_or(f64::NAN));
        nothing.add(Subject::Ours, base);
        latest.add(Subject::Ours, end);
        random.add(Subject::Ours, middle);
        over_nothing.add(Subject::Ours, end / base);
        over_latest.add(Subject::Ours, middle / end);
    }
    let goal = |id, must, aim| Goal { id, against: None, must, aim, more: false };
    report.judge(&over_nothing, goal("P9", 3.0, 2.0));
    report.judge(&over_latest, goal("P9", 1.3, 1.1));
    for series in [&nothing, &latest, &random] {
        report.show(series);
    }
    let mut restart = Series::new(format!("start, {size} messages, after kill -9"), "ms");
    for _ in 0..plan.rounds {
        fill(&server, &people, 1000).await?;
        server.kill();
        server = plan.world.run(&folder, None)?;
        restart.add(Subject::Ours, server.started_in.as_secs_f64() * 1000.0);
    }
    report.judge(&restart, goal("P12", 2000.0, 500.0));
    Ok(())
}

/// Writes a long conversation into the global room; answers how many seconds that took.
async fn fill(server: &Server, people: &[Person], messages: usize) -> Outcome<f64> {
    thread_local! {
        static SENT: Cell<usize> = const { Cell::new(0) };
    }
    let mut wires: Vec<Rc<Wire>> = Vec::new();
    for person in people {
        wires.push(Wire::connect(server.address, &person.token).await?);
    }
    let from = Instant::now();
    let first = SENT.replace(SENT.get() + messages);
    let sends = (first..first + messages).map(|number| {
        let wire = wires[number % wires.len()].clone();
        async move { crowd::send(&wire, 1, crowd::text(number), number).await }
    });
    stream::iter(sends).buffer_unordered(IN_FLIGHT).try_for_each(|_| async { Ok(()) }).await?;
    Ok(from.elapsed().as_secs_f64())
}

/// A reader as others write it: the generated client, one call at a time.
struct Reader {
    messages: MessageServiceClient<Channel>,
    server: ServerServiceClient<Channel>,
    token: AsciiMetadataValue,
}

impl Reader {
    async fn connect(server: &Server, person: &Person) -> Outcome<Self> {
        let endpoint = Channel::from_shared(format!("http://{}", server.address)).map_err(fault("an address"))?;
        let channel = endpoint.tcp_nodelay(true).connect().await.map_err(fault("no connection"))?;
        let token = format!("Bearer {}", person.token).parse().map_err(fault("a token"))?;
        let messages = MessageServiceClient::new(channel.clone());
        Ok(Self { messages, server: ServerServiceClient::new(channel), token })
    }

    async fn nothing(&self) -> Outcome<f64> {
        let from = Instant::now();
        self.server.clone().get_server_info(GetServerInfoRequest {}).await.map_err(fault("GetServerInfo"))?;
        Ok(from.elapsed().as_secs_f64() * 1000.0)
    }

    /// The newest page, or the one before an id.
    async fn page(&self, before: Option<i64>) -> Outcome<f64> {
        let mut request =
            Request::new(ListMessagesRequest { conversation_id: 1, at: before.map(At::Before), page_size: 50 });
        request.metadata_mut().insert("authorization", self.token.clone());
        let from = Instant::now();
        let page: v1::ListMessagesResponse =
            self.messages.clone().list_messages(request).await.map_err(fault("ListMessages"))?.into_inner();
        let took = from.elapsed().as_secs_f64() * 1000.0;
        if page.messages.len() == 50 { Ok(took) } else { Err(format!("a page of {}", page.messages.len())) }
    }
}
