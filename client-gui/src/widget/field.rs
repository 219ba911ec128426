//! A labelled field of one line, with room for what is wrong with it.

use iced::Element;
use iced::widget::{Id, column, text, text_input};

use crate::theme;

/// What a field needs.
pub struct Field<'a, M> {
    /// Above it.
    pub label: &'a str,
    /// Inside while it is empty.
    pub placeholder: &'a str,
    /// What is in it.
    pub value: &'a str,
    /// What is wrong with it.
    pub error: Option<&'a str>,
    /// To focus it by.
    pub id: Option<Id>,
    /// Shows dots.
    pub secret: bool,
    /// Called for each change; without it the field is locked.
    pub on_input: Option<fn(String) -> M>,
    /// Enter.
    pub on_submit: Option<M>,
}

impl<'a, M: Clone + 'a> Field<'a, M> {
    /// A field with a label and a value; the rest is set by name.
    pub fn new(label: &'a str, value: &'a str) -> Self {
        Self { label, placeholder: "", value, error: None, id: None, secret: false, on_input: None, on_submit: None }
    }

    /// Draws it.
    pub fn view(self) -> Element<'a, M> {
        let mut input = text_input(self.placeholder, self.value)
            .size(theme::BODY)
            .padding([theme::SMALL + theme::HAIR, theme::MEDIUM])
            .secure(self.secret)
            .on_input_maybe(self.on_input)
            .on_submit_maybe(self.on_submit)
            .style(theme::input::line(self.error.is_some()));
        if let Some(id) = self.id {
            input = input.id(id);
        }
        let label = (!self.label.is_empty())
            .then(|| text(self.label).size(theme::NOTE).font(theme::SEMIBOLD).style(theme::dim));
        let error = self.error.map(|error| text(error).size(theme::NOTE).style(theme::danger));
        column![label, input, error].spacing(theme::TINY + theme::HAIR).into()
    }
}
