//! Everything a Rookery client knows, without a window: connection, resume, state, outbox and cache.
//!
//! How a program uses it:
//!
//! 1. [`Profile::open`] takes the profile's folder for this process. [`Profile::session`] and [`Profile::token`] say
//!    whether somebody is signed in. If not: [`Api::new`] without a token, [`Api::get_server_info`], then
//!    [`Api::register`] or [`Api::sign_in`]; keep the answer with [`Profile::save_session`] and [`Profile::save_token`]
//!    (or a keyring of your own).
//! 2. [`connect`] gives a [`Client`] and a stream of [`Update`]s. The stream is the engine: it works while it is held,
//!    inside a tokio runtime, and ends when it is dropped.
//! 3. Keep a [`State`], call [`State::apply`] with every update, in order, and draw what it says. The state never
//!    fails, needs no clock, and is all that there is to draw, except drafts and scroll positions.
//! 4. Tell the [`Client`] what the user does. Calls without `async` return at once; what they bring about comes as
//!    updates. [`Client::open`] a conversation to have its messages in the state; [`Client::load_older`] when the view
//!    nears the top; [`Client::follow`] whether the view stands at the end.
//! 5. [`Client::send_with`] sends files, [`Client::media`] has the bytes of those that came.
//! 6. All else that the protocol can do is in [`Client::api`].
//!
//! ```text
//! let profile = Profile::open("default")?;
//! let (client, updates) = connect(Config::new(session, token, profile))?;
//! while let Some(update) = updates.next().await { state.apply(&update); draw(&state); }
//! ```

#![warn(missing_docs)]

mod ambient;
mod api;
mod cache;
mod client;
mod connection;
mod disk;
mod media;
mod outbox;
mod profile;
mod state;
pub mod text;
mod update;

pub use ambient::Ambient;
pub use api::{Api, Code, Error, EventStream, ExportStream};
pub use client::Client;
pub use connection::{Config, Updates, connect};
pub use media::MediaStore;
pub use outbox::{Attachment, Pending, PendingAttachment, PendingStatus, Source};
pub use profile::{Profile, ProfileError, Session};
pub use rookery_api::v1;
pub use state::{Conversation, Mine, RUN_LIMIT, Run, State};
pub use update::{Changed, Changes, Connection, Offline, Page, PageAt, Restored, RestoredConversation, Unread, Update};
