//! Pictures and files among the messages, and pictures that are looked at closely.

use std::sync::Arc;
use std::time::Duration;

use image::{Rgba, RgbaImage};
use rookery::gallery::{Order, Source};
use rookery::pane::message::attachment;
use rookery::pane::{conversation, message, viewer};
use rookery::picture::{Picture, Shape};
use rookery::screen::chat::{Action, Message};
use rookery::theme::Mode;
use rookery_client::v1::{self, MediaKind};
use rookery_client::{Pending, PendingAttachment, PendingStatus, Source as Waiting, Update};

use crate::window::Window;
use crate::world::{self, ADA, BO, GROUP, NOON, said};
use crate::{look, picture};

fn photo(number: u8, width: i32, height: i32) -> v1::Media {
    let small = painted(60, (60 * height / width).max(1) as u32);
    v1::Media {
        id: format!("{number:032}"),
        kind: MediaKind::Picture.into(),
        name: format!("lighthouse {number}.jpg"),
        content_type: "image/jpeg".into(),
        size: 2_345_678,
        width,
        height,
        thumbhash: thumbhash::rgba_to_thumb_hash(small.width() as usize, small.height() as usize, &small),
        animated: false,
    }
}

fn file(name: &str, size: i64) -> v1::Media {
    v1::Media {
        id: "f".repeat(32),
        kind: MediaKind::File.into(),
        name: name.into(),
        content_type: "application/octet-stream".into(),
        size,
        ..v1::Media::default()
    }
}

/// A sky over a sea, so that one sees what is up.
fn painted(width: u32, height: u32) -> RgbaImage {
    RgbaImage::from_fn(width, height, |x, y| {
        let (x, y) = (x as f32 / width as f32, y as f32 / height as f32);
        let sun = (x - 0.7).hypot((y - 0.3) * height as f32 / width as f32) < 0.08;
        match (sun, y < 0.6) {
            (true, _) => Rgba([250, 220, 120, 255]),
            (_, true) => Rgba([(90.0 + 100.0 * y) as u8, 150, (230.0 - 60.0 * x) as u8, 255]),
            _ => Rgba([20, (60.0 + 60.0 * x) as u8, 110, 255]),
        }
    })
}

fn sent(id: i64, minutes: i64, text: &str, attachments: Vec<v1::Media>) -> v1::Message {
    v1::Message { attachments, ..said(GROUP, id, if id % 2 == 0 { ADA } else { BO }, minutes, text) }
}

/// Puts a picture where it is drawn.
fn hang(window: &Window, media: &v1::Media, alone: bool) {
    let order = attachment::order(media, alone);
    let Shape::Card { width, height } = order.shape else { panic!("{order:?}") };
    let mut pixels = painted(width.into(), height.into());
    pixels.get_pixel_mut(0, 0)[3] = 0;
    window.state.gallery().put(&order, Picture::still(pixels));
}

fn in_group(name: &str, messages: Vec<v1::Message>) -> Window {
    let mut window = Window::new(name);
    window.click("Bird watching");
    window.tell(world::opened(GROUP, messages));
    window
}

fn look_at(window: &Window, name: &str) {
    for (end, mode) in [("dark", Mode::Dark), ("light", Mode::Light)] {
        picture(&mut look(window.state.view(mode)), &format!("{name}-{end}"), mode);
    }
}

fn line(message: message::Message) -> Message {
    Message::Conversation(conversation::Message::Line(message))
}

#[test]
fn pictures_and_files_stand_among_the_messages() {
    let several = vec![photo(2, 1_200, 900), photo(3, 900, 1_200), photo(4, 1_600, 500), photo(5, 64, 64)];
    let files = vec![file("The birds of the northern coast, second edition.pdf", 4_321_000), file("setup.exe", 812)];
    let window = in_group(
        "media",
        vec![
            sent(1, -30, "", vec![photo(1, 4_000, 2_250)]),
            sent(2, -20, "Four more of the same evening", several.clone()),
            sent(3, -9, "", files),
        ],
    );
    hang(&window, &photo(1, 4_000, 2_250), true);
    several.iter().skip(1).for_each(|media| hang(&window, media, false));
    for text in ["Four more of the same evening", "setup.exe", "4.1 MB", "812 bytes"] {
        window.shows(text);
    }
    look_at(&window, "media");
}

#[test]
fn a_picture_has_its_place_before_it_is_there() {
    let media = photo(1, 4_000, 2_250);
    let window = in_group("place", vec![sent(1, -30, "Above", vec![media.clone()]), sent(2, -3, "Below", Vec::new())]);
    let place = |window: &Window| format!("{:?}", look(window.state.view(Mode::Dark)).find("Above").unwrap());
    let before = place(&window);
    hang(&window, &media, true);
    assert_eq!(place(&window), before);
}

#[test]
fn a_click_looks_closely_and_keys_lead_on_and_back() {
    let pictures = vec![photo(1, 1_200, 900), photo(2, 3_000, 1_000)];
    let mut window = in_group("viewer", vec![sent(1, -3, "", pictures.clone())]);
    for media in &pictures {
        let order = Order { source: Source::Media(media.clone()), shape: Shape::Whole };
        let pixels = painted(media.width as u32 / 2, media.height as u32 / 2);
        window.state.gallery().put(&order, Picture::zoomable(pixels));
    }
    window.state.update(line(message::Message::PictureWanted { id: 1, index: 0 }));
    window.shows("lighthouse 1.jpg");
    window.shows("1 of 2, 1200 × 900, 2.2 MB");
    look_at(&window, "viewer");
    window.state.update(Message::Viewer(viewer::Message::Stepped(1)));
    window.shows("2 of 2, 3000 × 1000, 2.2 MB");
    window.state.update(Message::Viewer(viewer::Message::Stepped(1)));
    window.shows("2 of 2, 3000 × 1000, 2.2 MB");
    window.state.update(Message::Escaped);
    window.hides("lighthouse 2.jpg");
    assert!(matches!(window.state.update(Message::Typed("a".into())), Action::Run(_)), "keys are the composer's again");
}

#[test]
fn it_is_told_where_a_file_was_saved() {
    let mut window = in_group("saved", vec![sent(1, -3, "", vec![file("paper.pdf", 9_000)])]);
    let path = std::path::PathBuf::from("/somewhere/paper.pdf");
    window.state.update(Message::Kept(Ok(rookery::download::Outcome::Saved(path))));
    window.shows("Saved as /somewhere/paper.pdf");
    look_at(&window, "saved");
}

#[test]
fn how_much_of_a_file_is_sent_is_shown_and_it_can_be_given_up() {
    let mut window = in_group("upload", vec![said(GROUP, 1, ADA, -30, "Send me the recordings, please.")]);
    let attachment = |name: &str, size| PendingAttachment {
        name: name.into(),
        size,
        source: Waiting::File("/nonexistent".into()),
        media: None,
    };
    let mut pending = Pending {
        request_id: "r".into(),
        conversation_id: GROUP,
        text: String::new(),
        reply_to: 0,
        attachments: vec![attachment("heron at dawn.flac", 31_000_000), attachment("notes.txt", 2_000)],
        written_at: std::time::UNIX_EPOCH + Duration::from_secs(NOON as u64),
        status: PendingStatus::Sending,
    };
    let progress =
        |sent| Update::UploadProgressed { conversation_id: GROUP, request_id: "r".into(), sent, total: 31_002_000 };
    window.tell(vec![Update::PendingChanged(Arc::new(pending.clone())), progress(12_400_000)]);
    window.shows("12 MB of 30 MB");
    window.shows("heron at dawn.flac");
    window.shows("Cancel");
    look_at(&window, "upload");
    pending.status = PendingStatus::Failed("the file is too large".into());
    window.tell(vec![Update::PendingChanged(Arc::new(pending))]);
    window.shows("Not sent. The file is too large.");
    window.shows("Retry");
}
