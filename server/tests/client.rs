//! The real client against the real server: talking, being cut off, coming back.

#![allow(clippy::unwrap_used)]

#[path = "harness/device.rs"]
mod device;
#[path = "client/file.rs"]
mod file;
#[path = "harness/harness.rs"]
mod harness;

use std::{sync::Arc, time::Duration};

use device::{Device, PATIENCE};
use harness::{Person, Process, Served, Store};
use rookery_client::{Attachment, Connection, Conversation, PageAt, Pending, PendingStatus, Run, State, v1};

const GLOBAL: i64 = 1;

/// What these tests do with a window.
trait Window {
    /// Waits until the state is so.
    async fn until(&mut self, what: &str, so: impl Fn(&State) -> bool) -> Arc<State>;
    /// Opens a conversation and waits for its messages.
    async fn open(&mut self, id: i64);
}

impl Window for Device {
    async fn until(&mut self, what: &str, so: impl Fn(&State) -> bool) -> Arc<State> {
        self.reaches(so).await.unwrap_or_else(|state| {
            let chats: Vec<_> = state.conversations().map(|chat| (chat, texts(&state, chat.id()))).collect();
            panic!("it never came to this: {what}; {:?}; {chats:?}", state.connection());
        })
    }

    async fn open(&mut self, id: i64) {
        self.until("known", |state| state.conversation(id).is_some()).await;
        self.client.open(id);
        self.until("opened", |state| run(state, id).is_some()).await;
    }
}

fn run(state: &State, id: i64) -> Option<&Run> {
    state.conversation(id)?.run()
}

fn texts(state: &State, id: i64) -> Vec<String> {
    let run = run(state, id).into_iter().flat_map(Run::messages);
    run.filter(|message| message.system.is_none()).map(|message| message.text.clone()).collect()
}

fn ends_with(state: &State, id: i64, text: &str) -> bool {
    texts(state, id).last().is_some_and(|last| last == text)
}

fn chat(state: &State, id: i64) -> &Conversation {
    state.conversation(id).unwrap()
}

on_both! {
    async fn two_clients_talk(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let mut one = Device::start(&server.store.dir, &server.url(), &ada, "one").await;
        let mut two = Device::start(&server.store.dir, &server.url(), &bob, "two").await;
        one.online().await;
        two.online().await;
        one.open(GLOBAL).await;
        two.open(GLOBAL).await;

        one.client.typing(GLOBAL, false);
        two.until("ada types", |state| chat(state, GLOBAL).typing() == [ada.id]).await;
        one.client.send(GLOBAL, "hello", 0);
        let state = one.until("sent", |state| ends_with(state, GLOBAL, "hello") && state.pending(GLOBAL).is_empty()).await;
        assert_eq!(chat(&state, GLOBAL).unread(), 0);
        let state = two.until("heard", |state| ends_with(state, GLOBAL, "hello")).await;
        assert_eq!((chat(&state, GLOBAL).unread(), chat(&state, GLOBAL).typing()), (1, &[][..]));
        let id = chat(&state, GLOBAL).last_message().unwrap().id;
        // Who has just come is asked for.
        let known = |state: &State| state.user(ada.id).is_some_and(|user| user.display_name == "ada");
        two.until("her name", known).await;

        two.client.mark_read(GLOBAL, id);
        two.until("read", |state| chat(state, GLOBAL).unread() == 0).await;
        two.client.react(GLOBAL, id, "👍", true).await.unwrap();
        let mine = |state: &State| {
            let message = run(state, GLOBAL).and_then(|run| run.get(id)).cloned();
            message.and_then(|message| message.reactions.first().map(|reaction| (reaction.count, reaction.mine)))
        };
        two.until("reacted", |state| mine(state) == Some((1, true))).await;
        one.until("a reaction came", |state| mine(state) == Some((1, false))).await;
        one.client.edit(GLOBAL, id, "hello, all").await.unwrap();
        let state = two.until("edited", |state| ends_with(state, GLOBAL, "hello, all")).await;
        assert_eq!(mine(&state), Some((1, true)));

        // A direct chat: nothing at the other side before the first message, then all of it.
        let direct = one.client.open_direct(bob.id).await.unwrap();
        one.open(direct).await;
        assert!(two.state().conversation(direct).is_none());
        one.client.send(direct, "psst", 0);
        let state = two.until("a chat appeared", |state| state.conversation(direct).is_some()).await;
        assert_eq!(state.title(chat(&state, direct)), "ada");
        assert_eq!((chat(&state, direct).unread(), state.chats()[1].id()), (1, direct));
        two.open(direct).await;
        assert_eq!(texts(&two.state(), direct), ["psst"]);

        one.client.delete(GLOBAL, id).await.unwrap();
        two.until("deleted", |state| run(state, GLOBAL).unwrap().get(id).is_some_and(|message| message.deleted)).await;

        // A group, joined by a code, left again.
        let group = one.client.create_group("Rooks", Vec::new(), false).await.unwrap();
        one.open(group).await;
        let request = v1::CreateInviteRequest { conversation_id: group, ..Default::default() };
        let code = one.client.api().create_invite(request).await.unwrap().invite.unwrap().code;
        assert_eq!(two.client.join_by_code(code).await.unwrap(), group);
        two.open(group).await;
        two.client.send(group, "here", 0);
        one.until("bob came", |state| chat(state, group).unread() == 1).await;
        two.client.leave_group(group, false).await.unwrap();
        two.until("gone", |state| state.conversation(group).is_none()).await;
        one.client.send(group, "bye", 0);
        one.until("bob left", |state| state.pending(group).is_empty()).await;
        assert!(two.state().conversation(group).is_none());
    }
}

on_both! {
    async fn what_is_sent_offline_arrives_once_and_in_order_also_after_a_restart_of_the_client(backend) {
        let store = Store::new(backend).await;
        let mut server = Process::with_rates(&store);
        let url = server.url();
        let (ada, bob) = (Person::register(&url, "ada").await, Person::register(&url, "bob").await);
        let mut one = Device::start(&store.dir, &url, &ada, "one").await;
        let mut two = Device::start(&store.dir, &url, &bob, "two").await;
        one.open(GLOBAL).await;
        two.open(GLOBAL).await;
        one.client.send(GLOBAL, "0", 0);
        two.until("heard", |state| ends_with(state, GLOBAL, "0")).await;
        one.until("sent", |state| ends_with(state, GLOBAL, "0")).await;

        server.kill();
        one.until("offline", |state| matches!(state.connection(), Connection::Offline(_))).await;
        for number in 1..=5 {
            one.client.send(GLOBAL, number.to_string(), 0);
        }
        one.until("bubbles", |state| state.pending(GLOBAL).len() == 5).await;
        one.end().await;

        // Without a server: the chats, the messages and what waits are there all the same.
        let mut one = Device::again(&store.dir, "one").await;
        one.open(GLOBAL).await;
        let state = one.state();
        assert_eq!(texts(&state, GLOBAL), ["0"]);
        let waiting: Vec<_> = state.pending(GLOBAL).iter().map(|pending| pending.text.as_str()).collect();
        assert_eq!(waiting, ["1", "2", "3", "4", "5"]);
        assert_eq!(state.me().unwrap().name, "ada");
        one.client.send(GLOBAL, "6", 0);

        server.restart();
        let all: Vec<_> = (0..=6).map(|number| number.to_string()).collect();
        one.until("sent", |state| state.pending(GLOBAL).is_empty() && ends_with(state, GLOBAL, "6")).await;
        two.until("heard", |state| ends_with(state, GLOBAL, "6")).await;
        assert_eq!(texts(&one.state(), GLOBAL), all);
        assert_eq!(texts(&two.state(), GLOBAL), all);
        one.end().await;
        let mut one = Device::again(&store.dir, "one").await;
        one.online().await;
        assert_eq!(one.state().all_pending().count(), 0);
    }
}

on_both! {
    async fn a_server_that_is_killed_again_and_again_loses_and_doubles_nothing(backend) {
        let store = Store::new(backend).await;
        let mut server = Process::with_rates(&store);
        let url = server.url();
        let (ada, bob) = (Person::register(&url, "ada").await, Person::register(&url, "bob").await);
        let mut one = Device::start(&store.dir, &url, &ada, "one").await;
        let mut two = Device::start(&store.dir, &url, &bob, "two").await;
        one.open(GLOBAL).await;
        two.open(GLOBAL).await;
        let expected: Vec<_> = (0..120).map(|number| number.to_string()).collect();
        for (number, text) in expected.iter().enumerate() {
            one.client.send(GLOBAL, text, 0);
            tokio::time::sleep(Duration::from_millis(5)).await;
            if number % 20 == 10 {
                server.restart();
            }
        }
        one.until("sent", |state| state.pending(GLOBAL).is_empty() && ends_with(state, GLOBAL, "119")).await;
        two.until("heard", |state| ends_with(state, GLOBAL, "119")).await;
        assert_eq!(texts(&one.state(), GLOBAL), expected);
        assert_eq!(texts(&two.state(), GLOBAL), expected);
        assert_eq!(chat(&two.state(), GLOBAL).unread(), 120);
        let fresh = bob.api.get_conversation(v1::GetConversationRequest { conversation_id: GLOBAL }).await.unwrap();
        assert_eq!(fresh.conversation.unwrap().mine.unwrap().unread, 120);
    }
}

on_both! {
    async fn who_is_told_to_wait_waits_and_nobody_is_told_of_it(backend) {
        let server = Served::with(backend, |config| {
            let limits = &mut config.limits;
            limits.enabled = true;
            limits.send_rate = "2 + 3/s".parse().unwrap();
            limits.history_rate = "1 + 1/s".parse().unwrap();
            limits.upload_rate = "1 + 1/s".parse().unwrap();
            limits.call_rate = "3 + 2/s".parse().unwrap();
        })
        .await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let mut one = Device::start(&server.store.dir, &server.url(), &ada, "one").await;
        let mut two = Device::start(&server.store.dir, &server.url(), &bob, "two").await;
        one.open(GLOBAL).await;
        for number in 0..8 {
            one.client.send(GLOBAL, number.to_string(), 0);
            one.client.typing(GLOBAL, false);
        }
        let file = |name: &str| Attachment::Bytes { name: name.into(), bytes: name.into() };
        one.client.send_with(GLOBAL, "files", 0, ["a", "b", "c"].map(file).into());
        let fine = |state: &State| {
            let failed = |pending: &Arc<Pending>| matches!(pending.status, PendingStatus::Failed(_));
            let shown = chat(state, GLOBAL).failed();
            assert!(shown.is_none() && !state.all_pending().any(failed), "{shown:?}");
        };
        let done = |state: &State| {
            fine(state);
            state.pending(GLOBAL).is_empty() && ends_with(state, GLOBAL, "files")
        };
        let state = one.until("all sent", done).await;
        assert_eq!(texts(&state, GLOBAL), ["0", "1", "2", "3", "4", "5", "6", "7", "files"]);
        // Pages, one after the other, also more often than they may be asked for.
        two.online().await;
        for _ in 0..4 {
            for id in [3, 6] {
                two.client.load_around(GLOBAL, id);
                two.until("around", |state| {
                    fine(state);
                    run(state, GLOBAL).is_some_and(|run| run.get(id).is_some())
                })
                .await;
            }
            two.client.open(GLOBAL);
            two.client.load_reply(GLOBAL, 1);
        }
        two.until("people are known", |state| state.user(ada.id).is_some()).await;
    }
}

on_both! {
    async fn a_long_history_is_walked_through_a_small_window(backend) {
        let server = Served::with(backend, |config| config.limits.replay = 100).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        for number in 0..400 {
            ada.say(GLOBAL, &number.to_string()).await;
        }
        let mut two = Device::start(&server.store.dir, &server.url(), &bob, "two").await;
        two.open(GLOBAL).await;
        assert!(ends_with(&two.state(), GLOBAL, "399"));
        let mut walked = 0;
        while run(&two.state(), GLOBAL).unwrap().more_before() {
            let first = run(&two.state(), GLOBAL).unwrap().first_id();
            two.client.load_older(GLOBAL);
            let moved = |state: &State| run(state, GLOBAL).unwrap().first_id() != first;
            let state = two.until("older ones", moved).await;
            assert!(run(&state, GLOBAL).unwrap().len() <= rookery_client::RUN_LIMIT);
            walked += 1;
            assert!(walked < 20);
        }
        assert_eq!(texts(&two.state(), GLOBAL)[0], "0");
        assert!(run(&two.state(), GLOBAL).unwrap().more_after());
        // What arrives meanwhile is not put behind a run that ends in the past.
        ada.say(GLOBAL, "400").await;
        two.until("counted", |state| chat(state, GLOBAL).unread() == 401).await;
        assert!(!ends_with(&two.state(), GLOBAL, "400"));
        two.client.load_newer(GLOBAL);
        two.until("newer ones", |state| texts(state, GLOBAL).len() == 150 && texts(state, GLOBAL)[0] != "0").await;
        let around = run(&two.state(), GLOBAL).unwrap().first_id().unwrap() + 200;
        two.client.load_around(GLOBAL, around);
        two.until("around", |state| run(state, GLOBAL).unwrap().get(around).is_some()).await;
        assert!(!chat(&two.state(), GLOBAL).following());
        two.client.jump_to_present(GLOBAL);
        let state = two.until("present", |state| ends_with(state, GLOBAL, "400")).await;
        assert!(chat(&state, GLOBAL).following());
        two.end().await;

        // Away for longer than the server replays: the list is loaded anew, and nothing is missing at its end.
        for number in 401..540 {
            ada.say(GLOBAL, &number.to_string()).await;
        }
        let mut two = Device::again(&server.store.dir, "two").await;
        two.open(GLOBAL).await;
        let state = two.until("the newest", |state| ends_with(state, GLOBAL, "539")).await;
        let shown = texts(&state, GLOBAL);
        let expected: Vec<_> = (540 - shown.len()..540).map(|number| number.to_string()).collect();
        assert_eq!(shown, expected);
        two.until("all of it is unread", |state| state.unread() == 540).await;
    }
}

on_both! {
    async fn a_refused_message_waits_for_its_writer_and_lets_the_next_one_go(backend) {
        let store = Store::new(backend).await;
        let mut server = Process::with_rates(&store);
        let ada = Person::register(&server.url(), "ada").await;
        let mut one = Device::start(&store.dir, &server.url(), &ada, "one").await;
        one.online().await;
        one.open(GLOBAL).await;
        let refused = one.client.send(GLOBAL, "x".repeat(5000), 0);
        one.client.send(GLOBAL, "next", 0);
        let failed = |state: &State| {
            let pending = state.pending(GLOBAL).iter().find(|pending| pending.request_id == refused);
            pending.is_some_and(|pending| matches!(&pending.status, PendingStatus::Failed(why) if !why.is_empty()))
        };
        one.until("refused, and the next sent", |state| failed(state) && ends_with(state, GLOBAL, "next")).await;
        one.end().await;

        // Tried again while nobody listens, so that it can be seen on its way before it is refused again.
        server.kill();
        let mut one = Device::again(&store.dir, "one").await;
        one.open(GLOBAL).await;
        assert!(failed(&one.state()));
        one.client.retry(&refused);
        one.until("tried", |state| state.pending(GLOBAL)[0].status == PendingStatus::Sending).await;
        server.restart();
        one.until("refused again", failed).await;
        one.client.edit_failed(&refused, "short");
        one.until("sent", |state| state.pending(GLOBAL).is_empty() && ends_with(state, GLOBAL, "short")).await;
        assert_eq!(texts(&one.state(), GLOBAL), ["next", "short"]);
    }
}

on_both! {
    async fn a_session_that_was_ended_elsewhere_signs_out(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let mut one = Device::start(&server.store.dir, &server.url(), &ada, "one").await;
        one.online().await;
        ada.api.sign_out(v1::SignOutRequest {}).await.unwrap();
        one.until("signed out", |state| *state.connection() == Connection::SignedOut).await;
        // The stream of updates ends with it: nothing comes any more.
        one.client.send(GLOBAL, "nobody hears it", 0);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(one.state().pending(GLOBAL).is_empty());
    }
}

on_both! {
    async fn two_devices_of_one_person_agree(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let mut desk = Device::start(&server.store.dir, &server.url(), &ada, "desk").await;
        let mut lap = Device::start(&server.store.dir, &server.url(), &ada, "lap").await;
        for device in [&mut desk, &mut lap] {
            device.online().await;
            device.open(GLOBAL).await;
        }
        for number in 0..5 {
            bob.say(GLOBAL, &number.to_string()).await;
        }
        desk.until("heard", |state| state.unread() == 5).await;
        let state = lap.until("heard", |state| state.unread() == 5).await;
        let last = run(&state, GLOBAL).unwrap().last_id().unwrap();
        desk.client.mark_read(GLOBAL, last);
        lap.until("read on the other", |state| state.unread() == 0).await;
        let request = v1::MarkUnreadRequest { conversation_id: GLOBAL, id: last };
        desk.client.api().mark_unread(request).await.unwrap();
        desk.until("unread again", |state| state.unread() == 1).await;
        lap.until("unread again", |state| state.unread() == 1).await;
        desk.client.send(GLOBAL, "mine", 0);
        lap.until("own message", |state| ends_with(state, GLOBAL, "mine")).await;
        assert_eq!(lap.state().pending(GLOBAL).len(), 0);
        assert_eq!(texts(&lap.state(), GLOBAL).iter().filter(|text| *text == "mine").count(), 1);
        assert!(!lap.state().is_loading(GLOBAL, PageAt::Newest));
    }
}

on_both! {
    async fn what_is_muted_hidden_and_blocked_is_so_on_all_devices_and_after_a_restart(backend) {
        let server = Served::start(backend).await;
        let (ada, bob) = (server.user("ada").await, server.user("bob").await);
        let chat_id = ada.direct(&bob).await;
        bob.say(chat_id, "hello").await;
        let folder = server.store.dir.clone();
        let mut desk = Device::start(&folder, &server.url(), &ada, "desk").await;
        let mut lap = Device::start(&folder, &server.url(), &ada, "lap").await;
        let lists = |state: &State, id: i64| state.chats().iter().any(|chat| chat.id() == id);
        for device in [&mut desk, &mut lap] {
            device.online().await;
            device.open(chat_id).await;
        }
        desk.client.mute(GLOBAL, Duration::from_secs(3600)).await.unwrap();
        desk.client.hide(chat_id).await.unwrap();
        desk.client.block(bob.id).await.unwrap();
        let so = |state: &State| {
            chat(state, GLOBAL).muted_until().is_some() && !lists(state, chat_id) && state.is_blocked(bob.id)
        };
        desk.until("known here", so).await;
        lap.until("known on the other device", so).await;
        // What the disk has kept says so before the network does.
        desk.end().await;
        lap.end().await;
        let store = server.stop().await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        let mut desk = Device::again(&folder, "desk").await;
        let state = desk.until("painted", |state| !state.conversations().collect::<Vec<_>>().is_empty()).await;
        assert!(so(&state) && *state.connection() != Connection::Online);
        desk.end().await;
        let config = store.config();
        let server = Served::serve(store, &config, rookery_server::domain::ctx::Clock::system()).await;
        let mut phone = Device::start(&folder, &server.url(), &ada, "phone").await;
        let mut of_bob = Device::start(&folder, &server.url(), &bob, "bob").await;
        of_bob.online().await;
        phone.online().await;
        assert!(so(&phone.state()) && phone.state().conversation(chat_id).is_none());
        // A refused message waits for its writer, who may delete it; nothing of it shows here.
        of_bob.open(chat_id).await;
        of_bob.client.send(chat_id, "let me in", 0);
        let refused = |pending: &std::sync::Arc<rookery_client::Pending>| {
            matches!(&pending.status, PendingStatus::Failed(why) if why.contains("blocked"))
        };
        of_bob.until("refused", |state| state.pending(chat_id).iter().any(refused)).await;
        assert!(!lists(&phone.state(), chat_id));
        phone.client.unblock(bob.id).await.unwrap();
        phone.until("unblocked", |state| state.blocked().count() == 0).await;
        let request_id = of_bob.state().pending(chat_id)[0].request_id.clone();
        of_bob.client.retry(request_id);
        phone.until("it is listed again", |state| lists(state, chat_id)).await;
        phone.client.hide(chat_id).await.unwrap();
        phone.until("it is hidden again", |state| !lists(state, chat_id)).await;
        assert_eq!(phone.client.open_direct(bob.id).await.unwrap(), chat_id);
        phone.until("it is shown again", |state| lists(state, chat_id)).await;
    }
}

/// Numbers that look random and are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// What two clients of one person have to agree on, line by line.
fn essence(state: &State) -> Vec<String> {
    let mut chats: Vec<_> = state.conversations().collect();
    chats.sort_by_key(|chat| chat.id());
    let mut lines = Vec::new();
    for chat in chats {
        let last = chat.last_message().map(|message| (message.id, message.changed));
        let (id, unread, read) = (chat.id(), chat.unread(), chat.read_position());
        lines.push(format!("{id} {} {:?} unread {unread} read {read} last {last:?}", chat.name(), chat.cursor()));
        lines.extend(chat.run().into_iter().flat_map(Run::messages).map(|message| format!("{message:?}")));
    }
    lines
}

on_both! {
    async fn after_cuts_that_are_longer_than_the_replay_a_client_knows_what_a_fresh_one_knows(backend) {
        let seed = std::env::var("ROOKERY_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64);
        println!("ROOKERY_SEED={seed}");
        let (cases, steps) = if harness::in_full() { (200, 50) } else { (4, 30) };
        let mut dice = Dice(seed);
        let server = Served::with(backend, |config| config.limits.replay = 20).await;
        for case in 0..cases {
            let (ada, bob, cy) = (
                server.user(&format!("ada{case}")).await,
                server.user(&format!("bob{case}")).await,
                server.user(&format!("cy{case}")).await,
            );
            let group = ada.group("Rooks", &[&bob, &cy], true).await;
            let direct = ada.direct(&bob).await;
            ada.say(direct, "first").await;
            let name = format!("long{case}");
            let mut log = Vec::new();
            let mut long = Some(Device::start(&server.store.dir, &server.url(), &ada, &name).await);
            for _ in 0..steps {
                let place = [group, direct][dice.roll(2) as usize];
                let person = if place == direct { &bob } else { [&bob, &cy][dice.roll(2) as usize] };
                let did = act(&mut dice, person, place).await;
                let then = dice.roll(6);
                log.push(format!("{} did {did} in {place}, then {then} with {}", person.name, long.is_some()));
                match (then, &mut long) {
                    (0, Some(device)) => device.open(place).await,
                    (1, Some(device)) => {
                        device.client.send(place, "of my own", 0);
                    }
                    (2, Some(device)) => {
                        if let Some(last) = device.state().conversation(place).and_then(Conversation::last_message) {
                            device.client.mark_read(place, last.id);
                        }
                    }
                    (3, device @ Some(_)) if dice.roll(2) == 0 => device.take().unwrap().end().await,
                    (_, device @ None) => *device = Some(Device::again(&server.store.dir, &name).await),
                    _ => {}
                }
            }
            let mut long = match long {
                Some(device) => device,
                None => Device::again(&server.store.dir, &name).await,
            };
            long.until("all sent", |state| *state.connection() == Connection::Online && state.all_pending().count() == 0)
                .await;
            let mut fresh = Device::start(&server.store.dir, &server.url(), &ada, &format!("fresh{case}")).await;
            fresh.online().await;
            for place in [group, direct] {
                for device in [&mut long, &mut fresh] {
                    device.open(place).await;
                    device.client.jump_to_present(place);
                }
                // The same part of the history on both.
                while run(&fresh.state(), place).unwrap().more_before() {
                    let first = run(&fresh.state(), place).unwrap().first_id();
                    fresh.client.load_older(place);
                    fresh.until("older", |state| run(state, place).unwrap().first_id() != first).await;
                }
                while run(&long.state(), place).unwrap().more_before() {
                    let first = run(&long.state(), place).unwrap().first_id();
                    long.client.load_older(place);
                    long.until("older", |state| run(state, place).unwrap().first_id() != first).await;
                }
            }
            let start = std::time::Instant::now();
            while essence(&long.state()) != essence(&fresh.state()) {
                if start.elapsed() > PATIENCE {
                    let (long, fresh) = (essence(&long.state()), essence(&fresh.state()));
                    let only = |here: &[String], there: &[String]| -> Vec<_> {
                        here.iter().filter(|line| !there.contains(line)).cloned().collect()
                    };
                    let (long, fresh) = (only(&long, &fresh), only(&fresh, &long));
                    panic!("case {case} of ROOKERY_SEED={seed}:\nlong: {long:#?}\nfresh: {fresh:#?}\nafter {log:#?}");
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            long.end().await;
            fresh.end().await;
        }
    }
}

/// One thing that somebody does somewhere; that she may not do it is no mistake.
async fn act(dice: &mut Dice, person: &Person, conversation_id: i64) -> u64 {
    let request = v1::ListMessagesRequest { conversation_id, page_size: 20, ..Default::default() };
    let messages = person.api.list_messages(request).await.map(|answer| answer.messages).unwrap_or_default();
    let any = messages.get(dice.roll(messages.len().max(1) as u64) as usize).map_or(1, |message| message.id);
    let api = &person.api;
    let emote = ["👍", "🎉"][dice.roll(2) as usize].to_owned();
    let what = dice.roll(12);
    let _ = match what {
        0..=3 => {
            let text = format!("message {}", dice.roll(1_000_000));
            api.send_message(v1::SendMessageRequest { conversation_id, text, ..Default::default() }).await.map(drop)
        }
        4 => {
            for number in 0..25 {
                let text = format!("flood {number}");
                let request = v1::SendMessageRequest { conversation_id, text, ..Default::default() };
                let _ = api.send_message(request).await;
            }
            Ok(())
        }
        5 => {
            let text = format!("edited {}", dice.roll(1_000_000));
            api.edit_message(v1::EditMessageRequest { conversation_id, id: any, text }).await.map(drop)
        }
        6 | 7 => api.delete_message(v1::DeleteMessageRequest { conversation_id, id: any }).await.map(drop),
        8 => api.add_reaction(v1::AddReactionRequest { conversation_id, id: any, emote }).await.map(drop),
        9 => api.remove_reaction(v1::RemoveReactionRequest { conversation_id, id: any, emote }).await.map(drop),
        10 => {
            let request = v1::LeaveGroupRequest { conversation_id, silent: dice.roll(2) == 0 };
            api.leave_group(request).await.map(drop)
        }
        _ => {
            let by = Some(v1::join_group_request::By::ConversationId(conversation_id));
            api.join_group(v1::JoinGroupRequest { by }).await.map(drop)
        }
    };
    what
}
