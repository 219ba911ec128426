//! Files: brought by call or over HTTP, and given back to those who may see them.

use rookery_client::{Error, v1};

use crate::{
    corpus,
    exchange::{get, upload},
    harness::{Person, Served},
    on_both,
};

/// Brings a file by call.
pub async fn keep(person: &Person, name: &str, content: Vec<u8>) -> Result<v1::Media, Error> {
    Ok(person.api.upload_media(v1::UploadMediaRequest { name: name.into(), content }).await?.media.unwrap())
}

async fn get_media(person: &Person, id: &str) -> Result<v1::Media, Error> {
    Ok(person.api.get_media(v1::GetMediaRequest { id: id.into() }).await?.media.unwrap())
}

on_both! {
    async fn a_file_comes_back_as_it_went(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let bytes: Vec<u8> = (0..300_000_u32).map(|n| (n.wrapping_mul(n) >> 7) as u8).collect();
        let kept = upload(server.address, &ada.token, "Notes%20%E2%9C%93.bin", &bytes).await;
        assert_eq!(kept.status, 200, "{kept:?}");
        let id = kept.text("id");
        assert_eq!(kept.json(), serde_json::json!({
            "id": id, "kind": "MEDIA_KIND_FILE", "name": "Notes ✓.bin", "contentType": "application/octet-stream",
            "size": "300000", "width": 0, "height": 0, "thumbhash": "", "animated": false,
        }));
        let answer = get(server.address, &ada.token, &format!("/media/{id}")).await;
        assert_eq!((answer.status, answer.body == bytes), (200, true));
        let known = get_media(&ada, &id).await.unwrap();
        assert_eq!((known.kind(), known.size, known.name.as_str()), (v1::MediaKind::File, 300_000, "Notes ✓.bin"));
        let small = keep(&ada, "a.txt", b"hello".to_vec()).await.unwrap();
        assert_eq!(get(server.address, &ada.token, &format!("/media/{}", small.id)).await.body, b"hello");
        assert_eq!(get(server.address, &ada.token, &format!("/media/{}/thumbnail", small.id)).await.status, 404);
    }

    async fn a_picture_has_a_size_a_thumbnail_and_a_blur(backend) {
        let server = Served::start(backend).await;
        let ada = server.user("ada").await;
        let media = keep(&ada, "View.JPG", corpus::jpeg(1000, 500)).await.unwrap();
        assert_eq!((media.kind(), media.width, media.height), (v1::MediaKind::Picture, 1000, 500));
        assert_eq!((media.name.as_str(), media.content_type.as_str(), media.animated), ("View.JPG", "image/jpeg", false));
        assert!((10..40).contains(&media.thumbhash.len()), "{:?}", media.thumbhash);
        let answer = get(server.address, &ada.token, &format!("/media/{}/thumbnail", media.id)).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "image/jpeg"));
        let small = image::load_from_memory(&answer.body).unwrap();
        assert_eq!((small.width(), small.height()), (480, 240));
    }
}
