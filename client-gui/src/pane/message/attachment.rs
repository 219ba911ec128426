//! The files of a message: pictures where they are said, everything else as cards.

use iced::widget::{button, column, container, mouse_area, row, text};
use iced::{Center, Element, Fill, mouse};
use rookery_client::{Pending, PendingAttachment, Source as Waiting, v1};

use super::Message;
use crate::gallery::{Gallery, Order, Source};
use crate::picture::{self, Shape};
use crate::widget::icon::Icon;
use crate::widget::picture::picture as place;
use crate::widget::{icon_button, words};
use crate::{download, speech, theme};

/// What was sent with a message.
pub fn show<'a>(gallery: &'a Gallery, message: &'a v1::Message) -> Option<Element<'a, Message>> {
    if message.attachments.is_empty() {
        return None;
    }
    let (pictures, files): (Vec<_>, Vec<_>) =
        message.attachments.iter().partition(|media| media.kind() == v1::MediaKind::Picture && media.width > 0);
    let alone = pictures.len() == 1;
    let pictures = pictures.into_iter().enumerate().map(|(index, media)| {
        let wanted = Message::PictureWanted { id: message.id, index };
        let shown = shown(gallery, media, alone);
        mouse_area(shown).on_press(wanted).interaction(mouse::Interaction::Pointer).into()
    });
    let pictures = row(pictures).spacing(theme::TINY).wrap().vertical_spacing(theme::TINY);
    let files = files.into_iter().map(card);
    Some(column![pictures].extend(files).spacing(theme::TINY).padding([theme::TINY, 0.0]).into())
}

/// The pictures among the files of a message, as [`Message::PictureWanted`] counts them.
#[must_use]
pub fn pictures(message: &v1::Message) -> Vec<v1::Media> {
    let seen = |media: &&v1::Media| media.kind() == v1::MediaKind::Picture && media.width > 0;
    message.attachments.iter().filter(seen).cloned().collect()
}

/// What stands for a picture among the messages. One that moves is fetched whole.
#[must_use]
pub fn order(media: &v1::Media, alone: bool) -> Order {
    let (width, height) = size(media, alone);
    let shape = Shape::Card { width: width as u16, height: height as u16 };
    let source = match media.animated {
        true => Source::Media(media.clone()),
        false => Source::Thumbnail(media.id.clone()),
    };
    Order { source, shape }
}

fn shown<'a>(gallery: &'a Gallery, media: &'a v1::Media, alone: bool) -> Element<'a, Message> {
    place(gallery, order(media, alone), size(media, alone)).thumbhash(&media.thumbhash).into()
}

/// A picture alone may be larger than several, which stand in rows of one height.
fn size(media: &v1::Media, alone: bool) -> (f32, f32) {
    let pixels = (media.width as f32, media.height as f32);
    picture::fit(pixels, room(alone))
}

fn room(alone: bool) -> (f32, f32) {
    if alone { theme::PICTURE } else { theme::PICTURES }
}

/// A file that is not drawn.
fn card(media: &v1::Media) -> Element<'_, Message> {
    let size = speech::size(media.size.unsigned_abs());
    let open = download::is_harmless(&media.name)
        .then(|| icon_button(Icon::OpenFile, "Open", Message::OpenWanted(media.clone())));
    let save = icon_button(Icon::Download, "Save", Message::SaveWanted(media.clone()));
    let name = button(
        words::look(theme::BODY)
            .font(theme::SEMIBOLD)
            .one_line()
            .view_owned(speech::file_name(&media.name, theme::FILE_NAME)),
    )
    .padding(0)
    .style(theme::button::link)
    .on_press(Message::SaveWanted(media.clone()));
    frame(&media.name, name.into(), text(size).size(theme::CAPTION).style(theme::faint).into(), row![open, save].into())
}

fn frame<'a>(
    name: &str,
    title: Element<'a, Message>,
    below: Element<'a, Message>,
    buttons: Element<'a, Message>,
) -> Element<'a, Message> {
    let names = container(column![title, below].spacing(theme::HAIR)).width(Fill).clip(true);
    let content = row![icon(name).view(theme::ICON_FILE).style(theme::accent), names, buttons]
        .spacing(theme::MEDIUM)
        .align_y(Center);
    container(content)
        .max_width(theme::FILE_CARD)
        .padding([theme::SMALL, theme::MEDIUM])
        .style(theme::surface::well)
        .into()
}

/// The sort of a file, by its name.
#[must_use]
pub fn icon(name: &str) -> Icon {
    let end = name.rsplit_once('.').map(|(_, end)| end.to_lowercase()).unwrap_or_default();
    match end.as_str() {
        "png" | "jpg" | "jpeg" | "gif" | "webp" | "bmp" | "svg" | "heic" | "avif" | "tiff" => Icon::Picture,
        "mp4" | "webm" | "mkv" | "mov" | "avi" | "m4v" | "ogv" => Icon::FileVideo,
        "mp3" | "ogg" | "oga" | "opus" | "flac" | "wav" | "m4a" | "aac" => Icon::FileAudio,
        "zip" | "tar" | "gz" | "xz" | "bz2" | "7z" | "rar" | "zst" => Icon::FileArchive,
        "txt" | "md" | "pdf" | "doc" | "docx" | "odt" | "rtf" | "epub" | "log" | "csv" => Icon::FileText,
        _ => Icon::File,
    }
}

/// What goes with a message that waits.
pub fn waiting<'a>(gallery: &'a Gallery, pending: &'a Pending) -> Option<Element<'a, Message>> {
    if pending.attachments.is_empty() {
        return None;
    }
    let alone = pending.attachments.len() == 1;
    let parts = pending.attachments.iter().map(|attachment| part(gallery, attachment, alone));
    let parts = row(parts).spacing(theme::TINY).wrap().vertical_spacing(theme::TINY);
    Some(container(parts).padding([theme::TINY, 0.0]).into())
}

fn part<'a>(gallery: &'a Gallery, attachment: &'a PendingAttachment, alone: bool) -> Element<'a, Message> {
    let room = room(alone);
    let (width, height) = room;
    let shape = Shape::Card { width: width as u16, height: height as u16 };
    match &attachment.source {
        Waiting::Gif(gif) => {
            let size = picture::fit((gif.width as f32, gif.height as f32), room);
            place(gallery, Order { source: Source::Preview(gif.clone()), shape }, size).into()
        }
        Waiting::File(path) if icon(&attachment.name) == Icon::Picture => {
            // How large it is shows when it is read; until then, and if it is none after all, it is a square.
            let order = Order { source: Source::File(path.clone()), shape };
            let size = gallery.peek(&order).map_or((height, height), |picture| picture.size_drawn());
            place(gallery, order, size).into()
        }
        Waiting::File(_) => {
            let name = words::look(theme::BODY).style(theme::dim).one_line();
            let name = name.view_owned(speech::file_name(&attachment.name, theme::FILE_NAME));
            let size = text(speech::size(attachment.size)).size(theme::CAPTION).style(theme::faint);
            frame(&attachment.name, name, size.into(), row![].into())
        }
    }
}
