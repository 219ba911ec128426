//! The pictures of a message over the whole window, one at a time. Always dark, whatever the window is.

use iced::keyboard::{Key, key::Named};
use iced::widget::{button, column, container, opaque, row, stack, text, themer};
use iced::{Center, Element, Fill, Task};
use rookery_client::{Client, Error, v1};

use super::message::attachment;
use crate::gallery::{Gallery, Order, Source};
use crate::picture::Shape;
use crate::theme::{self, Mode};
use crate::widget::icon::Icon;
use crate::widget::lens::{Command, Target, lens};
use crate::widget::{head_button, spring, words};
use crate::{download, speech};

/// The viewer.
#[derive(Debug)]
pub struct State {
    pictures: Vec<v1::Media>,
    at: usize,
    command: Option<Command>,
    turn: u64,
    // How large a pixel is drawn.
    zoom: f32,
    note: Option<String>,
    saving: Option<iced::task::Handle>,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// To the picture before or after.
    Stepped(isize),
    /// Larger or smaller.
    ZoomWanted(Target),
    /// It is drawn so large now.
    Zoomed(f32),
    /// Keep it on this device.
    SaveWanted,
    /// It is there, or not.
    Saved(Result<download::Outcome, Error>),
    /// Escape, the cross, or a press beside it.
    Closed,
}

/// What to do about it.
#[derive(Debug)]
pub enum Action {
    /// Nothing.
    None,
    /// Something for the window.
    Run(Task<Message>),
    /// Close it.
    Close,
}

impl State {
    /// Shows one of these pictures; none if there is no such one.
    #[must_use]
    pub fn new(pictures: Vec<v1::Media>, at: usize) -> Option<Self> {
        let there = at < pictures.len();
        there.then_some(Self { pictures, at, command: None, turn: 0, zoom: 1.0, note: None, saving: None })
    }

    /// Handles a message.
    pub fn update(&mut self, message: Message, client: &Client) -> Action {
        match message {
            Message::Stepped(step) => {
                if let Some(next) = self.at.checked_add_signed(step).filter(|next| *next < self.pictures.len()) {
                    self.at = next;
                    self.note = None;
                }
            }
            Message::ZoomWanted(target) => {
                self.turn += 1;
                self.command = Some(Command { turn: self.turn, target });
            }
            Message::Zoomed(zoom) => self.zoom = zoom,
            Message::SaveWanted => {
                let save = download::save(client.media().clone(), self.pictures[self.at].clone());
                let (task, handle) = Task::perform(save, Message::Saved).abortable();
                self.saving = Some(handle.abort_on_drop());
                return Action::Run(task);
            }
            Message::Saved(result) => self.note = download::note(result),
            Message::Closed => return Action::Close,
        }
        Action::None
    }

    /// What a key means while it is open.
    #[must_use]
    pub fn key(key: &Key) -> Option<Message> {
        match key.as_ref() {
            Key::Named(Named::ArrowLeft) => Some(Message::Stepped(-1)),
            Key::Named(Named::ArrowRight) => Some(Message::Stepped(1)),
            _ => None,
        }
    }

    /// Draws it.
    pub fn view<'a>(&'a self, gallery: &'a Gallery) -> Element<'a, Message> {
        let media = &self.pictures[self.at];
        let whole = Order { source: Source::Media(media.clone()), shape: Shape::Whole };
        let small = attachment::order(media, self.pictures.len() == 1);
        let size = (media.width as f32, media.height as f32);
        let picture = lens(gallery, (whole, small), size, self.command, Message::Zoomed, Message::Closed);
        let sides = (self.pictures.len() > 1).then(|| self.sides());
        let note = self.note.as_deref().map(note);
        let middle = stack![container(picture).padding(theme::MEDIUM), sides, note].width(Fill).height(Fill);
        let all = container(column![self.head(media), middle]).width(Fill).height(Fill).style(theme::surface::dark);
        opaque(themer(Some(Mode::Dark.theme()), all))
    }

    fn head<'a>(&'a self, media: &'a v1::Media) -> Element<'a, Message> {
        let what = format!("{} × {}, {}", media.width, media.height, speech::size(media.size.unsigned_abs()));
        let place = match self.pictures.len() {
            1 => what,
            count => format!("{} of {count}, {what}", self.at + 1),
        };
        let names = column![
            words::look(theme::BODY).font(theme::SEMIBOLD).one_line().view(&media.name),
            text(place).size(theme::CAPTION).style(theme::dim),
        ];
        let percent = words::look(theme::NOTE).style(theme::dim).view_owned(format!("{:.0} %", self.zoom * PERCENT));
        let actual = (self.zoom - 1.0).abs() < f32::EPSILON;
        let whole = match actual {
            true => head_button(Icon::Fit, "Fit to the window (0)", Message::ZoomWanted(Target::Fit)),
            false => head_button(Icon::Actual, "Actual size (1)", Message::ZoomWanted(Target::Actual)),
        };
        row![
            container(names).width(Fill).clip(true),
            head_button(Icon::ZoomOut, "Smaller (−)", Message::ZoomWanted(Target::By(1.0 / STEP))),
            container(percent).center_x(theme::PERCENT),
            head_button(Icon::ZoomIn, "Larger (+)", Message::ZoomWanted(Target::By(STEP))),
            whole,
            head_button(Icon::Download, "Save", Message::SaveWanted),
            head_button(Icon::Close, "Close (Esc)", Message::Closed),
        ]
        .spacing(theme::TINY)
        .height(theme::HEADER)
        .padding([0.0, theme::LARGE])
        .align_y(Center)
        .into()
    }

    /// The buttons to the picture before and after.
    fn sides(&self) -> Element<'_, Message> {
        let side = |icon: Icon, step: isize| {
            let there = self.at.checked_add_signed(step).is_some_and(|next| next < self.pictures.len());
            there.then(|| {
                button(container(icon.view(theme::ICON)).center(Fill))
                    .width(theme::CONTROL)
                    .height(theme::CONTROL)
                    .padding(0)
                    .style(theme::button::over_picture)
                    .on_press(Message::Stepped(step))
            })
        };
        container(row![side(Icon::Left, -1), spring(), side(Icon::Right, 1)])
            .center_y(Fill)
            .padding([0.0, theme::LARGE])
            .into()
    }
}

fn note(sentence: &str) -> Element<'_, Message> {
    let words = words::look(theme::NOTE).view(sentence);
    let note = container(words).padding([theme::SMALL, theme::LARGE]).style(theme::surface::notice);
    container(note).center_x(Fill).align_bottom(Fill).padding(theme::HUGE).into()
}

/// One press of a button.
const STEP: f32 = 1.25;
const PERCENT: f32 = 100.0;
