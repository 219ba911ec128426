//! A connection and the calls on it as one task. hyper spawns a task for each call and wakes the connection's for every write
//! of theirs: two wakes for each delivered event. Here the calls are polled first and then the connection, within one wake.

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures::{FutureExt, StreamExt, stream::FuturesUnordered, task::AtomicWaker};

type Call = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How often the calls and the connection may wake each other within one poll, before others get their turn.
const TURNS: usize = 8;

/// Where hyper puts the calls of one connection.
#[derive(Clone, Default)]
pub struct Calls(Arc<Mutex<Vec<Call>>>);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Calls {
    fn execute(&self, call: F) {
        // A call that panics ends alone, as it would in a task of its own.
        self.lock().push(Box::pin(AssertUnwindSafe(call).catch_unwind().map(drop)));
    }
}

impl Calls {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Call>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drives a connection and its calls. When the connection ends, so do they.
pub struct Driver<C> {
    connection: Pin<Box<C>>,
    calls: Calls,
    running: FuturesUnordered<Call>,
    bell: Arc<Bell>,
    waker: Waker,
}

/// Wakes the task, unless that is running: then it only learns that it has another turn to take.
#[derive(Default)]
struct Bell {
    task: AtomicWaker,
    rung: AtomicBool,
    running: AtomicBool,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, SeqCst);
        if !self.running.load(SeqCst) {
            self.task.wake();
        }
    }
}

impl<C: Future> Driver<C> {
    /// A connection that was made with `calls` as its executor.
    pub fn new(connection: C, calls: Calls) -> Self {
        let bell = Arc::<Bell>::default();
        let waker = Waker::from(bell.clone());
        Self { connection: Box::pin(connection), calls, running: FuturesUnordered::new(), bell, waker }
    }

    /// Polls all that may go on; the connection last, so that it writes what the calls had to say.
    fn turn(&mut self) -> Poll<C::Output> {
        let mut cx = Context::from_waker(&self.waker);
        while let Poll::Ready(Some(())) = self.running.poll_next_unpin(&mut cx) {}
        let ended = self.connection.as_mut().poll(&mut cx);
        for call in std::mem::take(&mut *self.calls.lock()) {
            self.running.push(call);
            self.bell.rung.store(true, SeqCst);
        }
        ended
    }
}

impl<C: Future> Future for Driver<C> {
    type Output = C::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<C::Output> {
        let bell = self.bell.clone();
        bell.task.register(cx.waker());
        bell.running.store(true, SeqCst);
        for _ in 0..TURNS {
            bell.rung.store(false, SeqCst);
            if let Poll::Ready(output) = self.turn() {
                return Poll::Ready(output);
            }
            if !bell.rung.load(SeqCst) {
                break;
            }
        }
        bell.running.store(false, SeqCst);
        // Rung in the last turn, or between it and the line above.
        if bell.rung.load(SeqCst) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}
