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
            /// Its letter in the icon font.
            #[must_use]
            pub fn character(self) -> char {
                match self { $(Self::$name => $code),* }
            }
        }
    };
}

icons! {
    Actual = '\u{e257}',
    Add = '\u{e13d}',
    AddChat = '\u{e40c}',
    AddGroup = '\u{e1a2}',
    Alert = '\u{e077}',
    Attach = '\u{e12d}',
    Bird = '\u{e3c5}',
    Bulb = '\u{e1c2}',
    Camera = '\u{e064}',
    Car = '\u{e1d5}',
    Check = '\u{e06c}',
    Clock = '\u{e087}',
    Close = '\u{e1b2}',
    Copy = '\u{e09e}',
    Delete = '\u{e18e}',
    Down = '\u{e042}',
    Download = '\u{e0b2}',
    Edit = '\u{e1f9}',
    Eye = '\u{e0ba}',
    EyeOff = '\u{e0bb}',
    File = '\u{e0c0}',
    FileArchive = '\u{e30d}',
    FileAudio = '\u{e31a}',
    FileText = '\u{e0cc}',
    FileVideo = '\u{e321}',
    Fit = '\u{e113}',
    Flag = '\u{e0d1}',
    Folder = '\u{e247}',
    Food = '\u{e2f6}',
    Globe = '\u{e0e8}',
    Group = '\u{e1a4}',
    Hand = '\u{e1d7}',
    Hash = '\u{e0ef}',
    History = '\u{e1f5}',
    Invite = '\u{e102}',
    Key = '\u{e4a3}',
    Leave = '\u{e10e}',
    Left = '\u{e06e}',
    Lock = '\u{e10b}',
    Message = '\u{e116}',
    Moon = '\u{e11e}',
    NoPicture = '\u{e1c0}',
    Offline = '\u{e1af}',
    OpenFile = '\u{e0b9}',
    Owner = '\u{e1d6}',
    Paw = '\u{e4f5}',
    Person = '\u{e19f}',
    Picture = '\u{e0f6}',
    React = '\u{e301}',
    Reply = '\u{e22a}',
    Retry = '\u{e149}',
    Right = '\u{e06f}',
    Search = '\u{e151}',
    Send = '\u{e4f2}',
    Smile = '\u{e164}',
    Star = '\u{e176}',
    Sun = '\u{e178}',
    Trending = '\u{e191}',
    Unread = '\u{e10f}',
    Upload = '\u{e19e}',
    Volleyball = '\u{e62f}',
    ZoomIn = '\u{e1b6}',
    ZoomOut = '\u{e1b7}',
}

impl Icon {
    /// The icon as text, in the colour of its surroundings.
    pub fn view<'a>(self, size: f32) -> Text<'a, Theme> {
        text(self.character()).font(theme::ICONS).size(size).line_height(1.0)
    }
}
