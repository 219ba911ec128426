//! Many readers of one conversation and a few who write in it. Every reader checks that it hears every message exactly
//! once and in order.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use rookery_api::v1;
use tokio::{sync::Semaphore, time};

use crate::{
    Outcome,
    event::{self, CAUGHT_UP, MESSAGE_CHANGED},
    pipe::{self, Pipe},
    subject::{Server, Subject, own_cpu},
    wire::Wire,
    world::World,
};

/// The room that everybody is in.
const GLOBAL: i64 = 1;
/// A connection takes 64 calls at a time; four take the largest burst.
const SENDERS: usize = 4;
/// After so long without progress something is lost.
const PATIENCE: Duration = Duration::from_secs(20);

/// How messages follow each other.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// The next one goes when one of so many has reached every reader.
    InFlight(usize),
    /// So many a second, whatever happens.
    PerSecond(u32),
}

/// What one turn showed.
#[derive(Debug)]
pub struct Turn {
    pub messages: usize,
    pub server_cpu: Duration,
    pub own_cpu: Duration,
    pub elapsed: Duration,
    /// From sending to the last reader, in milliseconds.
    pub last_reader: Vec<f64>,
}

/// Counts who has heard what.
#[derive(Default)]
struct Tally {
    readers: usize,
    /// The position before this turn's first message; none before the first message at all.
    base: Cell<Option<i64>>,
    heard: RefCell<Vec<usize>>,
    /// For each message, when its last reader had it.
    done: RefCell<Vec<Option<Instant>>>,
    complete: Cell<usize>,
    live: Cell<usize>,
    fault: RefCell<Option<String>>,
    /// One permit for each message that has reached everybody.
    slots: RefCell<Option<Rc<Semaphore>>>,
}

impl Tally {
    fn hear(&self, cursor: &Cell<i64>, position: i64) {
        let base = self.base.get().unwrap_or_else(|| {
            self.base.set(Some(position - 1));
            position - 1
        });
        let known = cursor.replace(position).max(base);
        if position != known + 1 {
            self.fault.borrow_mut().get_or_insert(format!("a reader heard {position} after {known}"));
            return;
        }
        let index = usize::try_from(position - base - 1).unwrap_or(0);
        let mut heard = self.heard.borrow_mut();
        if heard.len() <= index {
            heard.resize(index + 1, 0);
            self.done.borrow_mut().resize(index + 1, None);
        }
        heard[index] += 1;
        if heard[index] == self.readers {
            self.done.borrow_mut()[index] = Some(Instant::now());
            self.complete.set(self.complete.get() + 1);
            if let Some(slots) = self.slots.borrow().as_ref() {
                slots.add_permits(1);
            }
        }
    }

    /// Forgets the last turn.
    fn reset(&self) {
        let count = i64::try_from(self.complete.get()).unwrap_or(0);
        self.base.set(self.base.get().map(|base| base + count));
        self.heard.borrow_mut().clear();
        self.done.borrow_mut().clear();
        self.complete.set(0);
    }
}

/// The way of the messages.
enum Line {
    Wires { wires: Vec<Rc<Wire>>, next: Cell<usize> },
    Pipe(Pipe),
}

impl Line {
    /// Sends a text; answers its position.
    async fn send(&self, text: String) -> Outcome<i64> {
        match self {
            Self::Pipe(pipe) => pipe.send(&text).await,
            Self::Wires { wires, next } => {
                let number = next.replace(next.get() + 1);
                send(&wires[number % wires.len()], GLOBAL, text, number).await
            }
        }
    }
}

/// Sends one message; answers its position.
pub async fn send(wire: &Wire, conversation_id: i64, text: String, number: usize) -> Outcome<i64> {
    let request_id = format!("{:08x}-0000-4000-8000-{number:012x}", std::process::id());
    let request = v1::SendMessageRequest { conversation_id, text, request_id, ..v1::SendMessageRequest::default() };
    let answer: v1::SendMessageResponse = wire.call("/rookery.v1.MessageService/SendMessage", &request).await?;
    Ok(answer.message.ok_or("an answer without a message")?.id)
}

/// 128 bytes, each message another text.
pub fn text(number: usize) -> String {
    format!("{number:<10}{:.<118}", "a message as people write them, about as long as two lines in a narrow window ")
}

/// A program with readers on it.
pub struct Crowd {
    pub subject: Subject,
    server: Server,
    line: Rc<Line>,
    tally: Rc<Tally>,
    wires: Vec<Rc<Wire>>,
    sent: Cell<usize>,
}

impl Crowd {
    /// Starts a program and connects its readers, each by a connection of its own.
    pub async fn gather(world: &World, subject: Subject, readers: usize) -> Outcome<Self> {
        let (server, people, _) = world.start(subject, readers + SENDERS).await?;
        let tally = Rc::new(Tally { readers, ..Tally::default() });
        let mut wires = Vec::new();
        let line = if subject == Subject::Floor {
            for _ in 0..readers {
                let (tally, cursor) = (tally.clone(), Cell::new(0));
                pipe::listen(server.address, move |position| tally.hear(&cursor, position)).await?;
            }
            Line::Pipe(Pipe::connect(server.address).await?)
        } else {
            for person in &people[..readers] {
                let wire = Wire::connect(server.address, &person.token).await?;
                let (tally, cursor) = (tally.clone(), Cell::new(0));
                wire.subscribe(move |bytes| {
                    let event = event::glance(bytes);
                    match event.kind {
                        MESSAGE_CHANGED if event.conversation_id == GLOBAL => tally.hear(&cursor, event.position),
                        CAUGHT_UP => tally.live.set(tally.live.get() + 1),
                        _ => {}
                    }
                })?;
                wires.push(wire);
            }
            let mut senders = Vec::new();
            for person in &people[readers..] {
                senders.push(Wire::connect(server.address, &person.token).await?);
            }
            Line::Wires { wires: senders, next: Cell::new(0) }
        };
        let crowd = Self { subject, server, line: Rc::new(line), tally, wires, sent: Cell::new(0) };
        let live = || crowd.tally.live.get() >= crowd.wires.len();
        crowd.wait(live).await?;
        // Everything has been used once: tables, pools and caches are warm, and the floor has all its readers.
        time::sleep(Duration::from_millis(200)).await;
        crowd.turn(Pace::InFlight(4), Duration::from_millis(200)).await?;
        Ok(crowd)
    }

    /// Sends for a while, waits until everybody has everything, and says what it took.
    pub async fn turn(&self, pace: Pace, span: Duration) -> Outcome<Turn> {
        self.tally.reset();
        let (server_cpu, own) = (self.server.cpu()?, own_cpu()?);
        let from = Instant::now();
        let times: Rc<RefCell<Vec<(i64, Instant)>>> = Rc::default();
        let messages = match pace {
            Pace::InFlight(most) => self.send_in_flight(most, span, &times).await?,
            Pace::PerSecond(rate) => self.send_paced(rate, span, &times).await,
        };
        self.wait(|| self.tally.complete.get() >= messages && times.borrow().len() >= messages).await?;
        let elapsed = from.elapsed();
        let server_cpu = self.server.cpu()?.saturating_sub(server_cpu);
        let own_cpu = own_cpu()?.saturating_sub(own);
        let base = self.tally.base.get().unwrap_or(0);
        let done = self.tally.done.borrow();
        let wait = |(position, sent): &(i64, Instant)| {
            let index = usize::try_from(position - base - 1).ok()?;
            Some(done.get(index).copied()??.saturating_duration_since(*sent).as_secs_f64() * 1000.0)
        };
        let last_reader = times.borrow().iter().filter_map(wait).collect();
        Ok(Turn { messages, server_cpu, own_cpu, elapsed, last_reader })
    }

    async fn send_in_flight(&self, most: usize, span: Duration, times: &Times) -> Outcome<usize> {
        let slots = Rc::new(Semaphore::new(most));
        *self.tally.slots.borrow_mut() = Some(slots.clone());
        let from = Instant::now();
        let mut messages = 0;
        while from.elapsed() < span {
            match time::timeout(PATIENCE, slots.acquire()).await {
                Ok(Ok(slot)) => slot.forget(),
                _ => return Err(self.what_is_wrong()),
            }
            // A quiet chat: the sender, too, has seen that it is stored before it says the next thing.
            let sending = self.send(times);
            if most == 1 {
                let _ = sending.await;
            }
            messages += 1;
        }
        *self.tally.slots.borrow_mut() = None;
        Ok(messages)
    }

    async fn send_paced(&self, rate: u32, span: Duration, times: &Times) -> usize {
        let mut timer = time::interval(Duration::from_secs(1) / rate);
        let messages = (span.as_secs_f64() * f64::from(rate)).ceil() as usize;
        for _ in 0..messages {
            timer.tick().await;
            self.send(times);
        }
        messages
    }

    fn send(&self, times: &Times) -> tokio::task::JoinHandle<()> {
        let number = self.sent.replace(self.sent.get() + 1);
        let (line, tally, times) = (self.line.clone(), self.tally.clone(), times.clone());
        tokio::task::spawn_local(async move {
            let from = Instant::now();
            match line.send(text(number)).await {
                Ok(position) => times.borrow_mut().push((position, from)),
                Err(reason) => drop(tally.fault.borrow_mut().get_or_insert(reason)),
            }
        })
    }

    /// Waits for something that must come.
    async fn wait(&self, come: impl Fn() -> bool) -> Outcome {
        let from = Instant::now();
        let mut before = 0;
        let mut since = from;
        while !come() {
            let now = self.tally.live.get() + self.tally.heard.borrow().iter().sum::<usize>();
            if now != before {
                (before, since) = (now, Instant::now());
            }
            if since.elapsed() > PATIENCE || self.tally.fault.borrow().is_some() {
                return Err(self.what_is_wrong());
            }
            time::sleep(Duration::from_millis(1)).await;
        }
        match self.tally.fault.borrow().as_ref() {
            Some(_) => Err(self.what_is_wrong()),
            None => Ok(()),
        }
    }

    fn what_is_wrong(&self) -> String {
        let told = self.tally.fault.borrow().clone();
        let ended = || self.wires.iter().find_map(|wire| wire.ended());
        let lost = || {
            let heard = self.tally.heard.borrow();
            let all = heard.len() * self.tally.readers;
            format!(
                "{} of {all} deliveries came, {} readers are live",
                heard.iter().sum::<usize>(),
                self.tally.live.get()
            )
        };
        format!("{}: {}", self.subject.name(), told.or_else(ended).unwrap_or_else(lost))
    }
}

/// Positions and when they were sent.
type Times = Rc<RefCell<Vec<(i64, Instant)>>>;
