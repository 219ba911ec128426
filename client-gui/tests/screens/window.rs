//! The main window over a fixed world.

use iced_test::Simulator;
use jiff::{Timestamp, tz::TimeZone};
use rookery::screen::chat::{Action, Message, State};
use rookery::theme::Mode;
use rookery_client::{Update, v1};

use crate::world::{self, ADA, BO, GLOBAL, ME, NOON, said};
use crate::{look, shows};

/// The main window, and what is done in it.
pub struct Window {
    pub state: State,
    // Holds the profile of the handle.
    _folder: Folder,
}

struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("rookery-screens-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Window {
    /// Signed in, with the global room open.
    pub fn new(name: &str) -> Self {
        let folder = Folder::new(name);
        let now = Timestamp::from_second(NOON).unwrap().to_zoned(TimeZone::UTC);
        let state = State::new(world::client(&folder.0), now, false);
        let mut window = Self { state, _folder: folder };
        window.tell(world::updates());
        window.tell(world::opened(GLOBAL, talk()));
        window
    }

    pub fn tell(&mut self, updates: Vec<Update>) {
        self.state.update(Message::Updated(updates));
    }

    /// Draws, does something, and handles what comes of it.
    pub fn act(&mut self, deed: impl FnOnce(&mut Simulator<'_, Message>)) -> Vec<Action> {
        let mut ui = look(self.state.view(Mode::Dark));
        deed(&mut ui);
        let messages: Vec<Message> = ui.into_messages().collect();
        messages.into_iter().map(|message| self.state.update(message)).collect()
    }

    pub fn click(&mut self, text: &str) {
        self.act(|ui| {
            ui.click(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        });
    }

    pub fn shows(&self, text: &str) {
        shows(&mut look(self.state.view(Mode::Dark)), text);
    }

    pub fn hides(&self, text: &str) {
        assert!(look(self.state.view(Mode::Dark)).find(text).is_err(), "the window shows {text:?}");
    }
}

fn talk() -> Vec<v1::Message> {
    let mut edited = said(GLOBAL, 92, BO, -52, "It opens at nine, I think.");
    edited.edited_at = edited.created_at;
    let mut answer = said(GLOBAL, 96, ADA, -20, "Count me in! ❤️");
    answer.reply_to = 92;
    answer.reactions = vec![
        v1::Reaction { emote: "👍".into(), count: 3, user_ids: vec![ME], mine: true },
        v1::Reaction { emote: "🎉".into(), count: 1, user_ids: vec![BO], mine: false },
    ];
    let mut gone = said(GLOBAL, 98, BO, -12, "");
    gone.deleted = true;
    vec![
        said(GLOBAL, 80, ADA, -60 * 26, "Has anybody seen the new lighthouse?"),
        said(GLOBAL, 81, ADA, -60 * 26 + 1, "They say that the stairs are open to visitors now, all the way up."),
        said(GLOBAL, 90, ME, -58, "Not yet. Shall we go on Saturday?"),
        edited,
        world::renamed(GLOBAL, 94, "Everybody"),
        answer,
        said(GLOBAL, 97, ADA, -19, "I could bring sandwiches, and the old binoculars of my grandfather."),
        gone,
        said(GLOBAL, 99, BO, -3, "😀🎉"),
        said(GLOBAL, 100, BO, -2, "See you at the lighthouse 🎉 tonight"),
    ]
}
