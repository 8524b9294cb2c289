//! Between the evaluator and the engine: the evaluator's future lives longer than any borrow of [`Hosts`], so it puts
//! its requests here, and [`drive`] carries them to the hosts and the answers back, all on one task.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use deploy_inventory::HostId;
use deploy_plan::{
    Command, CommandResult, Event, Hosts, Item, Opened, Site, Stopped, Stream, Suspension, Tolerance, Transaction, Want,
};

enum Request {
    Record(Box<Item>),
    Tell(Box<Event>),
    Reach(u64, Vec<HostId>, Vec<HostId>),
    Tolerate(Tolerance),
    Begin(u64, Transaction),
    Command(u64, Box<Command>, Want, Suspension),
    Along(u64, Vec<Command>, Option<Box<(Command, Want)>>, Suspension),
    Settle(u64, Suspension, Option<Site>),
}

enum Answer {
    Opened(Opened),
    Results(Vec<CommandResult>),
    Settled,
}

/// The evaluator's end.
#[derive(Default)]
pub(crate) struct Port {
    queue: RefCell<VecDeque<Request>>,
    answers: RefCell<HashMap<u64, Answer>>,
    wakers: RefCell<HashMap<u64, Waker>>,
    next: Cell<u64>,
    open: Cell<bool>,
    outside: Cell<u32>,
    rehearsal: Cell<bool>,
    /// Hosts that the run goes on without, as of the last answer.
    left_out: RefCell<Vec<HostId>>,
}

impl Port {
    /// Whether a flow is running, so that hosts can be asked.
    pub fn is_open(&self) -> bool {
        self.open.get() && self.outside.get() == 0
    }

    /// Until the guard goes, what is evaluated is no part of the flow: the engine itself asks (for a password, say)
    /// while the flow waits for the engine.
    pub fn outside(&self) -> impl Drop + '_ {
        self.outside.set(self.outside.get() + 1);
        Outside(self)
    }

    /// Whether nothing is to be changed anywhere.
    pub fn is_rehearsal(&self) -> bool {
        self.rehearsal.get()
    }

    /// Adds to the flow.
    pub fn record(&self, item: Item) {
        self.queue.borrow_mut().push_back(Request::Record(Box::new(item)));
    }

    /// Tells the observer, in order with what is recorded.
    pub fn tell(&self, event: Event) {
        self.queue.borrow_mut().push_back(Request::Tell(Box::new(event)));
    }

    /// Tells what a command has written to standard error, where nobody else has a use for it.
    pub fn tell_errors(&self, host: HostId, stderr: &[u8]) {
        if !stderr.is_empty() {
            self.tell(Event::Output { host, step: None, stream: Stream::Err, bytes: stderr.to_vec() });
        }
    }

    /// Connects to hosts; those that cannot be reached are left out from here on.
    pub async fn reach(&self, hosts: Vec<HostId>, needed: Vec<HostId>) {
        self.ask(|id| Request::Reach(id, hosts, needed)).await;
    }

    /// Says what may go wrong from here on.
    pub fn tolerate(&self, tolerance: Tolerance) {
        self.queue.borrow_mut().push_back(Request::Tolerate(tolerance));
    }

    /// Whether the run goes on without a host.
    pub fn is_left_out(&self, host: &HostId) -> bool {
        self.left_out.borrow().contains(host)
    }

    /// Whether the run goes on without any host.
    pub fn has_left_out(&self) -> bool {
        !self.left_out.borrow().is_empty()
    }

    /// Opens the layout.
    pub async fn begin(&self, transaction: Transaction) -> Opened {
        match self.ask(|id| Request::Begin(id, transaction)).await {
            Answer::Opened(opened) => opened,
            Answer::Results(_) | Answer::Settled => {
                Opened { release: None, revision: None, hosts: Vec::new(), blockers: Vec::new() }
            }
        }
    }

    /// Runs what is recorded, then a command, and waits for its results.
    pub async fn command(&self, command: Command, want: Want, why: Suspension) -> Vec<CommandResult> {
        match self.ask(|id| Request::Command(id, Box::new(command), want, why)).await {
            Answer::Results(results) => results,
            Answer::Opened(_) | Answer::Settled => Vec::new(),
        }
    }

    /// Runs what is recorded, then on their hosts alone the commands of `before` and the one asked, and waits for its
    /// results.
    pub async fn along(
        &self,
        before: Vec<Command>,
        asked: Option<(Command, Want)>,
        why: Suspension,
    ) -> Vec<CommandResult> {
        match self.ask(|id| Request::Along(id, before, asked.map(Box::new), why)).await {
            Answer::Results(results) => results,
            Answer::Opened(_) | Answer::Settled => Vec::new(),
        }
    }

    /// Runs what is recorded.
    pub async fn settle(&self, why: Suspension, site: Option<Site>) {
        self.ask(|id| Request::Settle(id, why, site)).await;
    }

    async fn ask(&self, request: impl FnOnce(u64) -> Request) -> Answer {
        let id = self.next.get();
        self.next.set(id + 1);
        self.queue.borrow_mut().push_back(request(id));
        poll_fn(|cx| match self.answers.borrow_mut().remove(&id) {
            Some(answer) => Poll::Ready(answer),
            None => {
                self.wakers.borrow_mut().insert(id, cx.waker().clone());
                Poll::Pending
            }
        })
        .await
    }

    fn answer(&self, id: u64, answer: Answer) {
        self.answers.borrow_mut().insert(id, answer);
        if let Some(waker) = self.wakers.borrow_mut().remove(&id) {
            waker.wake();
        }
    }

    fn take(&self) -> Option<Request> {
        self.queue.borrow_mut().pop_front()
    }
}

struct Outside<'a>(&'a Port);

impl Drop for Outside<'_> {
    fn drop(&mut self) {
        self.0.outside.set(self.0.outside.get().saturating_sub(1));
    }
}

/// Empties the port when the flow is over, however it ends.
struct Opening<'a>(&'a Port);

impl<'a> Opening<'a> {
    fn new(port: &'a Port, hosts: &dyn Hosts) -> Self {
        port.open.set(true);
        port.rehearsal.set(hosts.is_rehearsal());
        *port.left_out.borrow_mut() = hosts.left_out();
        Self(port)
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.0.open.set(false);
        self.0.queue.borrow_mut().clear();
        self.0.answers.borrow_mut().clear();
        self.0.wakers.borrow_mut().clear();
    }
}

type Pending<'a> = Pin<Box<dyn Future<Output = (u64, Result<Answer, Stopped>)> + 'a>>;

/// Requests that the hosts are at.
#[derive(Default)]
struct InHand<'a> {
    /// One that all others wait for.
    alone: Option<Pending<'a>>,
    /// Those of single hosts, which go beside each other.
    beside: Vec<Pending<'a>>,
    /// Why nothing goes on when these have ended.
    stopped: Option<Stopped>,
}

/// Runs `work` and serves its requests. When the hosts answer that the run has stopped, `work` is dropped where it
/// stands: nothing in a recipe can catch that.
pub(crate) async fn drive<T>(port: &Port, hosts: &dyn Hosts, work: impl Future<Output = T>) -> Result<T, Stopped> {
    let _opening = Opening::new(port, hosts);
    let mut work = pin!(work);
    let mut in_hand = InHand::default();
    poll_fn(|cx| {
        loop {
            if in_hand.stopped.is_none()
                && let Poll::Ready(value) = work.as_mut().poll(cx)
            {
                while let Some(request) = port.take() {
                    drop(serve(hosts, request));
                }
                return Poll::Ready(Ok(value));
            }
            match in_hand.advance(port, hosts, cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(stopped)) => return Poll::Ready(Err(stopped)),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await
}

impl<'a> InHand<'a> {
    /// Serves requests in order; ready when the evaluator has an answer to go on with. What other hosts are at is ended
    /// before a stop is told.
    fn advance(&mut self, port: &Port, hosts: &'a dyn Hosts, cx: &mut Context<'_>) -> Poll<Result<(), Stopped>> {
        loop {
            let answered = self.poll(port, cx);
            if answered {
                *port.left_out.borrow_mut() = hosts.left_out();
            }
            if let Some(stopped) = self.stopped.clone() {
                let over = self.alone.is_none() && self.beside.is_empty();
                return if over { Poll::Ready(Err(stopped)) } else { Poll::Pending };
            }
            if answered {
                return Poll::Ready(Ok(()));
            }
            if self.alone.is_some() {
                return Poll::Pending;
            }
            match port.take() {
                Some(request @ Request::Along(..)) => self.beside.extend(serve(hosts, request)),
                Some(request) => self.alone = serve(hosts, request),
                None => return Poll::Pending,
            }
        }
    }

    /// Looks at everything in hand; whether there is an answer.
    fn poll(&mut self, port: &Port, cx: &mut Context<'_>) -> bool {
        let mut answered = false;
        let mut finish = |(id, result): (u64, Result<Answer, Stopped>)| match result {
            Ok(answer) => {
                port.answer(id, answer);
                answered = true;
            }
            Err(stopped) => drop(self.stopped.get_or_insert(stopped)),
        };
        self.beside.retain_mut(|request| match request.as_mut().poll(cx) {
            Poll::Ready(result) => {
                finish(result);
                false
            }
            Poll::Pending => true,
        });
        if let Some(request) = &mut self.alone
            && let Poll::Ready(result) = request.as_mut().poll(cx)
        {
            self.alone = None;
            finish(result);
        }
        answered
    }
}

/// Does at once what needs no answer; gives the future of what does.
fn serve(hosts: &dyn Hosts, request: Request) -> Option<Pending<'_>> {
    match request {
        Request::Record(item) => {
            hosts.record(*item);
            None
        }
        Request::Tell(event) => {
            hosts.tell(*event);
            None
        }
        Request::Tolerate(tolerance) => {
            hosts.tolerate(tolerance);
            None
        }
        Request::Reach(id, all, needed) => {
            Some(Box::pin(async move { (id, hosts.reach(all, needed).await.map(|()| Answer::Settled)) }))
        }
        Request::Begin(id, transaction) => {
            Some(Box::pin(async move { (id, hosts.begin(transaction).await.map(Answer::Opened)) }))
        }
        Request::Command(id, command, want, why) => {
            Some(Box::pin(async move { (id, hosts.command(*command, want, why).await.map(Answer::Results)) }))
        }
        Request::Along(id, before, asked, why) => Some(Box::pin(async move {
            (id, hosts.along(before, asked.map(|asked| *asked), why).await.map(Answer::Results))
        })),
        Request::Settle(id, why, site) => {
            Some(Box::pin(async move { (id, hosts.settle(why, site).await.map(|()| Answer::Settled)) }))
        }
    }
}
