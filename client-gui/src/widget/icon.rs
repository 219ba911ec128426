//! The icons of the embedded icon font.

use iced::Theme;
use iced::widget::{Text, text};

use crate::theme;

macro_rules! icons {
    ($($name:ident = $code:literal),* $(,)?) => {
        /// One picture of the icon font.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum Icon { $($name),* }

        impl Icon {
            fn character(self) -> char {
                match self { $(Self::$name => $code),* }
            }
        }
    };
}

icons! {
    Add = '\u{e13d}',
    AddChat = '\u{e40c}',
    AddGroup = '\u{e1a2}',
    Alert = '\u{e077}',
    Bird = '\u{e3c5}',
    Check = '\u{e06c}',
    Close = '\u{e1b2}',
    Clock = '\u{e087}',
    Copy = '\u{e09e}',
    Delete = '\u{e18e}',
    Down = '\u{e042}',
    Edit = '\u{e1f9}',
    Eye = '\u{e0ba}',
    EyeOff = '\u{e0bb}',
    Globe = '\u{e0e8}',
    Group = '\u{e1a4}',
    Invite = '\u{e102}',
    Key = '\u{e4a3}',
    Leave = '\u{e10e}',
    Lock = '\u{e10b}',
    Message = '\u{e116}',
    Moon = '\u{e11e}',
    Offline = '\u{e1af}',
    Owner = '\u{e1d6}',
    React = '\u{e301}',
    Reply = '\u{e22a}',
    Retry = '\u{e149}',
    Search = '\u{e151}',
    Send = '\u{e4f2}',
    Sun = '\u{e178}',
    Unread = '\u{e10f}',
}

impl Icon {
    /// The icon as text, in the colour of its surroundings.
    pub fn view<'a>(self, size: f32) -> Text<'a, Theme> {
        text(self.character()).font(theme::ICONS).size(size).line_height(1.0)
    }
}
