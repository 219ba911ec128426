//! Pictures: known by their content, written anew, upright and without what they carried along; and what would be too much.

use std::{
    io::Cursor,
    time::{Duration, Instant},
};

use image::{AnimationDecoder, Frame, ImageFormat, codecs::webp::WebPDecoder};
use rookery_client::v1;
use v1::MediaKind;

use crate::{
    corpus::{self, SECRETS},
    exchange::get,
    harness::{Backend, Person, Process, Served, Store},
    media::keep,
    on_both,
};

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The bytes of a file as they are served, and its thumbnail's.
async fn served(server: &Served, person: &Person, media: &v1::Media) -> [Vec<u8>; 2] {
    let path = format!("/media/{}", media.id);
    let bytes = get(server.address, &person.token, &path).await;
    assert_eq!((bytes.status, bytes.header("content-type")), (200, media.content_type.as_str()));
    [bytes.body, get(server.address, &person.token, &format!("{path}/thumbnail")).await.body]
}

/// Whether a picture shows the corners where they belong.
fn assert_upright(bytes: &[u8], width: u32, height: u32, what: &str) {
    let image = image::load_from_memory(bytes).unwrap().into_rgb8();
    assert_eq!((image.width(), image.height()), (width, height), "{what}");
    for (x, y) in [(1, 1), (3, 1), (1, 3), (3, 3)] {
        let (x, y) = (width * x / 4, height * y / 4);
        let (is, should) = (image.get_pixel(x, y).0, corpus::corners(width, height).get_pixel(x, y).0);
        let far = is.iter().zip(should).any(|(is, should)| is.abs_diff(should) > 40);
        assert!(!far, "{what}: {is:?} at {x}, {y}");
    }
}

/// The frames of a WebP as they are shown.
fn frames(bytes: &[u8]) -> Vec<Frame> {
    WebPDecoder::new(Cursor::new(bytes)).unwrap().into_frames().map(Result::unwrap).collect()
}

on_both! {
    async fn four_kinds_are_pictures_by_their_content_and_nothing_else_is(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let opaque = || corpus::noted_webp(corpus::corners(40, 20), 1);
        let clear = || corpus::noted_webp(corpus::clear_corners(40, 20), 1);
        for (name, bytes, named, content_type) in [
            ("a.png", corpus::png(40, 20), "a.png", "image/png"),
            ("a.JPEG", corpus::jpeg(40, 20), "a.JPEG", "image/jpeg"),
            ("a.gif", corpus::gif(40, 20, 1), "a.gif", "image/gif"),
            ("really a png.jpg", corpus::png(40, 20), "really a png.png", "image/png"),
            ("v1.2", corpus::png(40, 20), "v1.2.png", "image/png"),
            ("sticker.webp", opaque(), "sticker.jpg", "image/jpeg"),
            ("sticker.webp", clear(), "sticker.png", "image/png"),
        ] {
            let media = keep(&ada, name, bytes).await.unwrap();
            let found = (media.kind(), media.name.as_str(), media.content_type.as_str());
            assert_eq!(found, (MediaKind::Picture, named, content_type), "{name}");
            assert_eq!((media.width, media.height, media.animated), (40, 20, false), "{name}");
            let [bytes, thumbnail] = served(&server, &ada, &media).await;
            assert_eq!(bytes.len() as i64, media.size);
            assert_eq!(image::load_from_memory(&thumbnail).unwrap().width(), 40);
        }
        let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".to_vec();
        let bmp = { let mut bmp = b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec(); bmp.extend([1; 60]); bmp };
        for (name, bytes, content_type) in [
            ("a.svg", svg, "application/octet-stream"),
            ("a.png", b"<!doctype html><script>alert(1)</script>".to_vec(), "application/octet-stream"),
            ("a.bmp", bmp, "image/bmp"),
            ("a.tif", b"II*\0\x08\0\0\0\0\0".to_vec(), "image/tiff"),
            ("a.ico", b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0\x20\0".to_vec(), "image/vnd.microsoft.icon"),
            ("a.exr", b"\x76\x2f\x31\x01\x02\0\0\0channels\0".to_vec(), "application/octet-stream"),
            ("a.avif", b"\0\0\0\x20ftypavif\0\0\0\0avifmif1miaf".to_vec(), "application/octet-stream"),
            ("a.png", b"\x89PNG\r\n\x1a\n".to_vec(), "image/png"),
            ("a.txt", b"words".to_vec(), "application/octet-stream"),
        ] {
            let media = keep(&ada, name, bytes.clone()).await.unwrap();
            let found = (media.kind(), media.name.as_str(), media.content_type.as_str());
            assert_eq!(found, (MediaKind::File, name, content_type));
            assert_eq!((media.width, media.height, media.thumbhash.len()), (0, 0, 0));
            let answer = get(server.address, &ada.token, &format!("/media/{}", media.id)).await;
            assert_eq!(answer.body, bytes);
            assert!(answer.header("content-disposition").starts_with("attachment; "), "{name}");
        }
    }

    async fn nothing_that_a_picture_carried_along_is_served_and_it_stands_upright(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        for orientation in 1..=8 {
            for (name, bytes) in [
                ("a.jpg", corpus::camera_jpeg(64, 48, orientation)),
                ("a.png", corpus::noted_png(64, 48, orientation)),
            ] {
                assert!(contains(&bytes, SECRETS[0]) && contains(&bytes, SECRETS[4]));
                let media = keep(&ada, name, bytes).await.unwrap();
                assert_eq!((media.kind(), media.width, media.height), (MediaKind::Picture, 64, 48), "{orientation}");
                for bytes in served(&server, &ada, &media).await {
                    assert_upright(&bytes, 64, 48, &format!("{name} of orientation {orientation}"));
                    assert!(!SECRETS.iter().any(|secret| contains(&bytes, secret)), "{name} of orientation {orientation}");
                }
            }
        }
        let still = corpus::noted_webp(corpus::clear_corners(64, 48), 1);
        let moving = [(0, 0, corpus::clear_corners(64, 48)), (8, 6, corpus::clear_corners(20, 10))];
        for (name, bytes) in [
            ("a.webp", still),
            ("b.webp", corpus::moving_webp(64, 48, &moving)),
            ("a.gif", corpus::gif(64, 48, 5)),
        ] {
            assert!(contains(&bytes, SECRETS[1]), "{name}");
            let media = keep(&ada, name, bytes).await.unwrap();
            assert_eq!(media.kind(), MediaKind::Picture, "{name}");
            for bytes in served(&server, &ada, &media).await {
                assert!(!SECRETS.iter().any(|secret| contains(&bytes, secret)), "{name}");
            }
        }
    }

    async fn what_moves_moves_as_before(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let original = corpus::gif(31, 17, 9);
        let media = keep(&ada, "a.gif", original.clone()).await.unwrap();
        assert_eq!((media.kind(), media.animated, media.content_type.as_str()), (MediaKind::Picture, true, "image/gif"));
        let [bytes, _] = served(&server, &ada, &media).await;
        let read = |bytes: &[u8]| {
            let mut decoder = gif::DecodeOptions::new().read_info(Cursor::new(bytes.to_vec())).unwrap();
            let mut frames = Vec::new();
            while let Some(frame) = decoder.read_next_frame().unwrap() {
                let at = (frame.left, frame.top, frame.width, frame.height);
                let how = (frame.delay, frame.dispose, frame.transparent, frame.palette.clone());
                frames.push((at, how, frame.buffer.to_vec()));
            }
            (decoder.width(), decoder.repeat(), decoder.global_palette().map(<[u8]>::to_vec), frames)
        };
        assert_eq!(read(&bytes), read(&original));

        let second = corpus::clear_corners(13, 9);
        let original = corpus::moving_webp(64, 48, &[(0, 0, corpus::clear_corners(64, 48)), (8, 6, second)]);
        let media = keep(&ada, "a.webp", original.clone()).await.unwrap();
        assert_eq!((media.width, media.height, media.animated), (64, 48, true));
        let [bytes, thumbnail] = served(&server, &ada, &media).await;
        let (before, after) = (frames(&original), frames(&bytes));
        assert_eq!((before.len(), after.len()), (2, 2));
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before.delay(), after.delay());
            assert_eq!(before.buffer(), after.buffer());
        }
        // What is clear stays so in the thumbnail.
        assert!(image::load_from_memory(&thumbnail).unwrap().color().has_alpha());
    }

    async fn a_broken_picture_is_a_plain_file_and_harms_nobody(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let moving = [(0, 0, corpus::clear_corners(16, 12)), (4, 4, corpus::clear_corners(8, 4))];
        let whole = [
            corpus::camera_jpeg(16, 12, 6),
            corpus::noted_png(16, 12, 1),
            corpus::gif(16, 12, 3),
            corpus::noted_webp(corpus::clear_corners(16, 12), 1),
            corpus::moving_webp(16, 12, &moving),
        ];
        let mut state = 7_usize;
        let mut chance = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let mut drawn = 0;
        for bytes in whole {
            for round in 0..40 {
                let mut bytes = bytes.clone();
                if round % 4 == 0 {
                    bytes.truncate(1 + chance(bytes.len() - 1));
                }
                for _ in 0..round / 4 {
                    let at = chance(bytes.len());
                    bytes[at] = chance(256) as u8;
                }
                let media = keep(&ada, "a", bytes.clone()).await.unwrap();
                let answer = get(server.address, &ada.token, &format!("/media/{}", media.id)).await;
                assert_eq!(answer.status, 200);
                if media.kind() == MediaKind::Picture {
                    drawn += 1;
                    assert!(image::load_from_memory(&answer.body).is_ok(), "a picture that cannot be drawn is served");
                } else {
                    assert_eq!(answer.body, bytes);
                }
            }
        }
        println!("{drawn} of 200 could be drawn");
    }
}

/// The most memory that a process has taken so far, in MiB.
fn peak(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_fill_the_memory_is_not_decoded() {
    let store = Store::new(Backend::Sqlite).await;
    let server = Process::start(&store);
    let ada = Person::register(&server.url(), "ada").await;
    // Once as it should be, so that what this takes is not counted.
    keep(&ada, "a.png", corpus::png(500, 500)).await.unwrap();
    let before = peak(&server);
    let mut huge_gif = corpus::gif_bomb(1, 1);
    huge_gif[6..10].copy_from_slice(&[0xff; 4]);
    let mut huge_jpeg = corpus::jpeg(8, 8);
    let frame = huge_jpeg.windows(2).position(|bytes| bytes == [0xff, 0xc0]).unwrap();
    huge_jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    for (what, bytes) in [
        ("a PNG of 22,000 pixels a side", corpus::png_head(22_000, 22_000)),
        ("one of 60,000", corpus::png_head(60_000, 60_000)),
        ("one that is wide", corpus::png_head(8193, 1)),
        ("one of more than 25 million pixels", corpus::png_head(5001, 5000)),
        ("one of more than there are numbers", corpus::png_head(u32::MAX >> 1, u32::MAX >> 1)),
        ("a JPEG of 65,535", huge_jpeg),
        ("a GIF of 65,535", huge_gif),
        ("a GIF of 2,000 frames", corpus::gif_bomb(1500, 2000)),
        ("a GIF of 201 small frames", corpus::gif_bomb(10, 201)),
        ("a WebP of 3 frames of 6,000 pixels a side", corpus::webp_bomb(6000, 3)),
        ("one of 16,383", corpus::webp_bomb(16_383, 1)),
        ("one of the largest size that there is", corpus::webp_bomb(1 << 24, 1)),
        ("300 frames of 4,000", corpus::webp_bomb(4000, 300)),
        ("201 small frames", corpus::webp_bomb(10, 201)),
    ] {
        let begin = Instant::now();
        let media = keep(&ada, "bomb", bytes).await.unwrap();
        let taken = begin.elapsed();
        assert_eq!(media.kind(), MediaKind::File, "{what}");
        assert!(taken < Duration::from_secs(3), "{what}: {taken:?}");
        let grown = peak(&server) - before;
        assert!(grown <= 50, "{what}: {grown} MiB");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_of_many_bits_is_drawn_as_one_of_eight() {
    let server = Served::start(Backend::Sqlite).await;
    let ada = server.user("ada").await;
    let deep = image::DynamicImage::from(corpus::corners(60, 40));
    for deep in [image::DynamicImage::from(deep.to_rgb16()), deep.to_rgba16().into()] {
        let media = keep(&ada, "a.png", corpus::encoded(deep, ImageFormat::Png)).await.unwrap();
        let [bytes, thumbnail] = served(&server, &ada, &media).await;
        for bytes in [bytes, thumbnail] {
            let color = image::load_from_memory(&bytes).unwrap().color();
            assert_eq!(color.bytes_per_pixel(), color.channel_count());
            assert_upright(&bytes, 60, 40, "many bits");
        }
    }
    let grey = image::DynamicImage::from(image::DynamicImage::from(corpus::corners(60, 40)).to_luma16());
    assert_eq!(keep(&ada, "a.png", corpus::encoded(grey, ImageFormat::Png)).await.unwrap().kind(), MediaKind::Picture);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_made_smaller_to_look_at_but_never_larger() {
    let server = Served::start(Backend::Sqlite).await;
    let ada = server.user("ada").await;
    for (width, height, small) in [(1, 1, (1, 1)), (480, 10, (480, 10)), (10, 960, (5, 480)), (3000, 1, (480, 1))] {
        let bytes = corpus::encoded(corpus::corners(width, height), ImageFormat::Png);
        let media = keep(&ada, "a.png", bytes).await.unwrap();
        let [_, thumbnail] = served(&server, &ada, &media).await;
        let thumbnail = image::load_from_memory(&thumbnail).unwrap();
        assert_eq!((thumbnail.width(), thumbnail.height()), small);
        assert!(!media.thumbhash.is_empty());
    }
}
