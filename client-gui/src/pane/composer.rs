//! Where one writes. Enter sends, Shift+Enter breaks the line; the box grows with the text.

use iced::keyboard::key::Named;
use iced::keyboard::{Key, Modifiers};
use iced::widget::text_editor::{self, Binding, Content, Edit, KeyPress};
use iced::widget::{Id, button, column, container, operation, row, text};
use iced::{Center, Element, Fill, Task};

use crate::theme;
use crate::widget::icon::Icon;
use crate::widget::{icon_button, spring, words};

/// From here on the characters that are left are shown.
const COUNT_FROM: usize = 200;

/// What the text will be.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Purpose {
    /// A message.
    Say,
    /// The answer to a message.
    Reply(i64),
    /// A message's new text; what had been written before comes back afterwards.
    Edit { id: i64, kept: String },
}

/// The box of one conversation; kept while another one is shown.
#[derive(Debug)]
pub struct State {
    content: Content,
    purpose: Purpose,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// The text or the cursor changed.
    Edited(text_editor::Action),
    /// Enter, or the button.
    Submitted,
    /// ↑ in the empty box.
    LastWanted,
    /// Escape, or the cross.
    Cancelled,
    /// Page up and page down.
    Paged(f32),
}

impl Message {
    /// A letter was typed.
    #[must_use]
    pub fn insert(letter: char) -> Self {
        Self::Edited(text_editor::Action::Edit(Edit::Insert(letter)))
    }
}

/// What to do about it.
#[derive(Debug, PartialEq)]
pub enum Action {
    /// Nothing.
    None,
    /// Tell the others that somebody types, or does so no more.
    Type {
        /// No more.
        stopped: bool,
    },
    /// Send this.
    Send {
        /// What it says.
        text: String,
        /// What it answers; 0 for nothing.
        reply_to: i64,
    },
    /// Give a message this text.
    Save {
        /// Which.
        id: i64,
        /// What it says from now on.
        text: String,
    },
    /// Edit the last message of one's own.
    EditLast,
    /// Scroll.
    Scroll(f32),
    /// Escape, and something was cancelled: go on writing.
    Stay,
    /// Escape, and there was nothing to cancel.
    Leave,
}

impl Default for State {
    fn default() -> Self {
        Self { content: Content::new(), purpose: Purpose::Say }
    }
}

impl State {
    /// Answers a message.
    pub fn reply(&mut self, id: i64) {
        self.cancel();
        self.purpose = Purpose::Reply(id);
    }

    /// Changes a message.
    pub fn edit(&mut self, id: i64, text: &str) {
        self.cancel();
        let kept = self.content.text();
        self.write(text);
        self.purpose = Purpose::Edit { id, kept };
    }

    /// Takes back what could not be sent, after what is being written.
    pub fn take_back(&mut self, text: &str, reply_to: i64) {
        self.cancel();
        let draft = self.content.text();
        let draft = draft.trim_end_matches('\n');
        let text = if draft.is_empty() { text.to_owned() } else { format!("{draft}\n{text}") };
        self.write(&text);
        if reply_to != 0 {
            self.purpose = Purpose::Reply(reply_to);
        }
    }

    /// The message that is answered or changed.
    #[must_use]
    pub fn subject(&self) -> Option<i64> {
        match self.purpose {
            Purpose::Say => None,
            Purpose::Reply(id) | Purpose::Edit { id, .. } => Some(id),
        }
    }

    /// Puts the cursor into it.
    pub fn focus<M: Send + 'static>(&self) -> Task<M> {
        operation::focus(id())
    }

    /// Handles a message; `limit` is the longest text that the server takes.
    pub fn update(&mut self, message: Message, limit: usize) -> Action {
        match message {
            Message::Edited(action) => self.perform(action),
            Message::Submitted => self.submit(limit),
            Message::LastWanted => Action::EditLast,
            Message::Paged(pages) => Action::Scroll(pages),
            Message::Cancelled if self.purpose == Purpose::Say => Action::Leave,
            Message::Cancelled => {
                self.cancel();
                Action::Stay
            }
        }
    }

    fn perform(&mut self, action: text_editor::Action) -> Action {
        let typed =
            matches!(action, text_editor::Action::Edit(Edit::Insert(_) | Edit::Backspace | Edit::Delete | Edit::Enter));
        let changed = action.is_edit();
        self.content.perform(action);
        let stopped = self.content.is_empty();
        // Pasting is not typing, and neither is correcting an old message.
        let counts = typed || (changed && stopped);
        if counts && !matches!(self.purpose, Purpose::Edit { .. }) { Action::Type { stopped } } else { Action::None }
    }

    fn submit(&mut self, limit: usize) -> Action {
        let text = self.content.text();
        let text = text.trim_end_matches('\n');
        if text.trim().is_empty() || text.chars().count() > limit {
            return Action::None;
        }
        let text = text.to_owned();
        match std::mem::replace(&mut self.purpose, Purpose::Say) {
            Purpose::Say => {
                self.write("");
                Action::Send { text, reply_to: 0 }
            }
            Purpose::Reply(reply_to) => {
                self.write("");
                Action::Send { text, reply_to }
            }
            Purpose::Edit { id, kept } => {
                self.write(&kept);
                Action::Save { id, text }
            }
        }
    }

    fn cancel(&mut self) {
        if let Purpose::Edit { kept, .. } = std::mem::replace(&mut self.purpose, Purpose::Say) {
            self.write(&kept);
        }
    }

    fn write(&mut self, text: &str) {
        self.content = Content::with_text(text);
        self.content.perform(text_editor::Action::Move(text_editor::Motion::DocumentEnd));
    }

    /// Draws it. `subject` is who wrote the message that is answered or changed, and what it says.
    pub fn view<'a>(
        &'a self,
        placeholder: String,
        subject: Option<(&'a str, &'a str)>,
        limit: usize,
    ) -> Element<'a, Message> {
        let empty = self.content.is_empty();
        let editor = text_editor::TextEditor::new(&self.content)
            .id(id())
            .placeholder(placeholder)
            .size(theme::BODY)
            .font(theme::REGULAR)
            .padding([theme::SMALL + theme::HAIR, theme::TINY])
            .line_height(text::LineHeight::Absolute(theme::COMPOSER_LINE.into()))
            .max_height(theme::COMPOSER_LINE * theme::COMPOSER_LINES + theme::LARGE)
            .wrapping(text::Wrapping::WordOrGlyph)
            .style(theme::input::composer)
            .key_binding(move |press| bind(press, empty))
            .on_action(Message::Edited);
        let length = self.content.text().chars().count();
        let left = (length + COUNT_FROM > limit).then(|| count(limit, length));
        let ready = !empty && length <= limit;
        let send = button(container(Icon::Send.view(theme::ICON)).center(Fill))
            .width(theme::ICON_BUTTON)
            .height(theme::ICON_BUTTON)
            .padding(0)
            .style(if ready { theme::button::primary } else { theme::button::quiet })
            .on_press_maybe(ready.then_some(Message::Submitted));
        let line =
            row![editor, left, container(send).padding([theme::TINY, 0.0])].spacing(theme::SMALL).align_y(iced::Bottom);
        // In a container, so that the editor keeps its place in the column, and with it its focus.
        let bar = container(subject.map(|(author, says)| self.bar(author, says)));
        container(column![bar, line])
            .width(Fill)
            .padding([theme::HAIR, theme::SMALL])
            .style(theme::surface::field)
            .into()
    }

    fn bar<'a>(&self, author: &'a str, says: &'a str) -> Element<'a, Message> {
        let editing = matches!(self.purpose, Purpose::Edit { .. });
        let (icon, what) = if editing { (Icon::Edit, "Editing") } else { (Icon::Reply, "Replying to") };
        let says = container(words::look(theme::NOTE).style(theme::faint).one_line().view(says))
            .width(Fill)
            .height(theme::COMPOSER_LINE)
            .center_y(theme::COMPOSER_LINE)
            .clip(true);
        row![
            icon.view(theme::ICON_SMALL).style(theme::accent),
            text(what).size(theme::NOTE).style(theme::dim),
            (!editing).then(|| words::look(theme::NOTE).font(theme::SEMIBOLD).view(author)),
            says,
            spring_if(editing),
            icon_button(Icon::Close, "Cancel (Esc)", Message::Cancelled),
        ]
        .spacing(theme::SMALL)
        .padding(iced::padding::left(theme::TINY))
        .align_y(Center)
        .into()
    }
}

fn spring_if<'a>(wanted: bool) -> Option<Element<'a, Message>> {
    wanted.then(spring).map(|spring| container(spring).width(0).into())
}

fn count<'a>(limit: usize, length: usize) -> Element<'a, Message> {
    let (label, style): (String, fn(&iced::Theme) -> text::Style) = match limit.checked_sub(length) {
        Some(left) => (left.to_string(), theme::faint),
        None => (format!("−{}", length - limit), theme::danger),
    };
    container(text(label).size(theme::CAPTION).style(style)).center_y(theme::CONTROL).into()
}

fn id() -> Id {
    Id::new("composer")
}

fn bind(press: KeyPress, empty: bool) -> Option<Binding<Message>> {
    if !matches!(press.status, text_editor::Status::Focused { .. }) {
        return None;
    }
    let plain = press.modifiers == Modifiers::empty();
    match press.key.as_ref() {
        Key::Named(Named::Enter) if press.modifiers.shift() => Some(Binding::Enter),
        Key::Named(Named::Enter) => Some(Binding::Custom(Message::Submitted)),
        Key::Named(Named::ArrowUp) if plain && empty => Some(Binding::Custom(Message::LastWanted)),
        Key::Named(Named::Escape) => Some(Binding::Custom(Message::Cancelled)),
        Key::Named(Named::PageUp) => Some(Binding::Custom(Message::Paged(-PAGE))),
        Key::Named(Named::PageDown) => Some(Binding::Custom(Message::Paged(PAGE))),
        // Switching chats: for the window, not for the text.
        Key::Named(Named::ArrowUp | Named::ArrowDown) if press.modifiers.alt() => None,
        _ => Binding::from_key_press(press),
    }
}

/// How much of the view one key scrolls.
const PAGE: f32 = 0.9;

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(state: &mut State, text: &str) {
        for c in text.chars() {
            state.update(Message::Edited(text_editor::Action::Edit(Edit::Insert(c))), 100);
        }
    }

    #[test]
    fn what_is_written_is_sent_once_and_exactly() {
        let mut state = State::default();
        typed(&mut state, "  it's \"ok\"");
        let sent = state.update(Message::Submitted, 100);
        assert_eq!(sent, Action::Send { text: "  it's \"ok\"".into(), reply_to: 0 });
        assert_eq!(state.update(Message::Submitted, 100), Action::None);
    }

    #[test]
    fn blanks_and_too_much_are_not_sent() {
        let mut state = State::default();
        typed(&mut state, "   ");
        assert_eq!(state.update(Message::Submitted, 100), Action::None);
        typed(&mut state, "abcdef");
        assert_eq!(state.update(Message::Submitted, 5), Action::None);
        assert!(matches!(state.update(Message::Submitted, 9), Action::Send { .. }));
    }

    #[test]
    fn a_draft_survives_an_edit() {
        let mut state = State::default();
        typed(&mut state, "draft");
        state.edit(7, "old text");
        assert_eq!(state.update(Message::Submitted, 100), Action::Save { id: 7, text: "old text".into() });
        assert_eq!(state.content.text().trim_end(), "draft");
        state.edit(8, "other");
        assert_eq!(state.update(Message::Cancelled, 100), Action::Stay);
        assert_eq!(state.content.text().trim_end(), "draft");
        assert_eq!(state.update(Message::Cancelled, 100), Action::Leave);
    }

    #[test]
    fn what_could_not_be_sent_comes_back_after_the_draft() {
        let mut state = State::default();
        typed(&mut state, "draft");
        state.take_back("too long", 3);
        let sent = state.update(Message::Submitted, 100);
        assert_eq!(sent, Action::Send { text: "draft\ntoo long".into(), reply_to: 3 });
    }

    #[test]
    fn keys_are_typing_and_pasting_is_not() {
        let mut state = State::default();
        let key = Message::Edited(text_editor::Action::Edit(Edit::Insert('x')));
        assert_eq!(state.update(key, 9), Action::Type { stopped: false });
        let back = Message::Edited(text_editor::Action::Edit(Edit::Backspace));
        assert_eq!(state.update(back, 9), Action::Type { stopped: true });
        let paste = Edit::Paste(std::sync::Arc::new("pasted".to_owned()));
        assert_eq!(state.update(Message::Edited(text_editor::Action::Edit(paste)), 9), Action::None);
    }
}
