//! Media in proto3 JSON, as `POST /media` answers it.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use rookery_api::v1;
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Record {
    id: String,
    kind: String,
    name: String,
    content_type: String,
    size: Number,
    width: i32,
    height: i32,
    thumbhash: String,
    animated: bool,
}

/// 64-bit numbers are text there.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Text(String),
    Bare(i64),
}

impl Default for Number {
    fn default() -> Self {
        Self::Bare(0)
    }
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The file that an answer names; none if it names none.
pub(super) fn read(text: &[u8]) -> Option<v1::Media> {
    let record: Record = serde_json::from_slice(text).ok()?;
    let size = match record.size {
        Number::Text(text) => text.parse().ok()?,
        Number::Bare(number) => number,
    };
    super::path_of(&record.id).ok()?;
    Some(v1::Media {
        id: record.id,
        kind: v1::MediaKind::from_str_name(&record.kind).unwrap_or(v1::MediaKind::File).into(),
        name: record.name,
        content_type: record.content_type,
        size,
        width: record.width,
        height: record.height,
        // Only a picture to look at until the real one is there.
        thumbhash: BASE64.decode(record.thumbhash).unwrap_or_default(),
        animated: record.animated,
    })
}

#[cfg(test)]
mod tests {
    use rookery_api::v1;

    use super::read;

    const ID: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn an_answer_is_read() {
        let text = format!(
            r#"{{"id":"{ID}","kind":"MEDIA_KIND_PICTURE","name":"a.png","contentType":"image/png","size":"123",
                "width":4,"height":3,"thumbhash":"AQID","animated":true,"later":1}}"#
        );
        let media = read(text.as_bytes()).unwrap();
        let expected = v1::Media {
            id: ID.to_owned(),
            kind: v1::MediaKind::Picture.into(),
            name: "a.png".to_owned(),
            content_type: "image/png".to_owned(),
            size: 123,
            width: 4,
            height: 3,
            thumbhash: vec![1, 2, 3],
            animated: true,
        };
        assert_eq!(media, expected);
        let bare = read(format!(r#"{{"id":"{ID}","size":5}}"#).as_bytes()).unwrap();
        assert_eq!((bare.kind(), bare.size), (v1::MediaKind::File, 5));
    }

    #[test]
    fn what_names_no_file_is_none() {
        for text in ["", "[]", "{}", r#"{"id":"../../etc/passwd"}"#, r#"{"id":5}"#] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }
}
