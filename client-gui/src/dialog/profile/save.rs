//! Saves a profile: the picture first, for the profile names it.

use rookery_client::{Client, Code, Error, v1};

use super::portrait::Portrait;
use crate::picture::crop;

/// Sends what was changed; `request` has the mask, and all but the picture.
pub async fn save(client: Client, mut request: v1::UpdateProfileRequest, portrait: Portrait) -> Result<(), Error> {
    if let Portrait::Chosen(chosen) = portrait {
        let (pixels, crop) = (chosen.pixels(), chosen.crop());
        let encoded = tokio::task::spawn_blocking(move || crop::encode(&pixels, crop)).await;
        let Ok(Ok((name, bytes))) = encoded else {
            return Err(about_picture("This picture could not be made ready to be sent."));
        };
        let media = client
            .media()
            .upload(name, bytes)
            .await
            .map_err(|error| Error { fields: vec![("avatar".to_owned(), error.message.clone())], ..error })?;
        request.avatar = media.id;
    }
    client.api().update_profile(request).await.map(drop)
}

fn about_picture(why: &str) -> Error {
    Error {
        code: Code::Internal,
        reason: None,
        message: why.to_owned(),
        fields: vec![("avatar".to_owned(), why.to_owned())],
        retry_after: None,
    }
}
