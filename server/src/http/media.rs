//! Files over plain HTTP: bytes in, bytes out, for those who may see them.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, stream};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rookery_api::v1::{self, MediaKind, TokenScope};
use sha2::{Digest, Sha256};

use crate::{
    connection::TooSlow,
    domain::{Ctx, Error, media, rate::Class},
    media::thumbnail_type,
    rpc,
};

/// A body is handed on in pieces of this size.
const PIECE: usize = 64 * 1024;
/// So long the rest of a body is heard that nobody wants any more.
const REST_TIME: Duration = Duration::from_secs(10);
/// What stands in a name in a header as it is: attr-char of RFC 8187.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

pub(super) type Answer = std::result::Result<Response, Error>;

/// An error, told in JSON.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        rpc::over_http(self)
    }
}

pub(super) fn routes() -> Router<Arc<Ctx>> {
    Router::new()
        .route("/media", post(upload))
        .route("/media/{id}", get(download))
        .route("/media/{id}/thumbnail", get(thumbnail))
}

/// Takes a file. Its name is in a header that no page of another site may set.
async fn upload(State(ctx): State<Arc<Ctx>>, request: Request) -> Answer {
    let caller = rpc::caller_of(&ctx, request.headers(), request.extensions(), TokenScope::Write).await?;
    let wrong = || Error::field(rpc::UPLOAD_NAME, "must be the file's name: UTF-8, percent-encoded");
    let name = request.headers().get(rpc::UPLOAD_NAME).and_then(|name| name.to_str().ok()).ok_or_else(wrong)?;
    let name = percent_decode_str(name).decode_utf8().map_err(|_| wrong())?.into_owned();
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let mut pieces = std::pin::pin!(pieces(request.into_body()).fuse());
    let received = match ctx.rates.user(caller.user_id, Class::Uploads) {
        Ok(()) => media::receive(&ctx, &caller, &name, length, pieces.as_mut()).await,
        Err(wait) => Err(wait),
    };
    if received.is_err() {
        // Whoever is hung up on while she talks does not hear the answer.
        let rest = async { while let Some(Ok(_)) = pieces.next().await {} };
        let _ = tokio::time::timeout(REST_TIME, rest).await;
    }
    let media = received?;
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, json(&media)).into_response())
}

/// As proto3 JSON has it, with all fields.
fn json(media: &v1::Media) -> String {
    let v1::Media { id, name, content_type, size, width, height, thumbhash, animated, .. } = media;
    serde_json::json!({
        "id": id,
        "kind": media.kind().as_str_name(),
        "name": name,
        "contentType": content_type,
        "size": size.to_string(),
        "width": width,
        "height": height,
        "thumbhash": BASE64_STANDARD.encode(thumbhash),
        "animated": animated,
    })
    .to_string()
}

/// A body in pieces.
fn pieces(body: Body) -> impl Stream<Item = Result<Bytes, Error>> {
    let frames = body.into_data_stream();
    stream::unfold((frames, false), |(mut frames, mut ended)| async move {
        let mut piece = BytesMut::new();
        while !ended && piece.len() < PIECE {
            match frames.next().await {
                Some(Ok(frame)) => piece.extend_from_slice(&frame),
                Some(Err(error)) => return Some((Err(incomplete(error)), (frames, true))),
                None => ended = true,
            }
        }
        (!piece.is_empty()).then(|| (Ok(piece.freeze()), (frames, ended)))
    })
}

fn incomplete(error: axum::Error) -> Error {
    let error = error.into_inner();
    if error.is::<TooSlow>() {
        return Error::Unavailable(error.to_string());
    }
    Error::field("content", format!("broke off: {error}"))
}

/// A file's bytes, all or a part.
async fn download(State(ctx): State<Arc<Ctx>>, Path(id): Path<String>, request: Request) -> Answer {
    let caller = rpc::caller_of(&ctx, request.headers(), request.extensions(), TokenScope::Read).await?;
    let request = request.headers();
    let media = media::get(&ctx, &caller, &id).await?;
    let picture = media.kind() == MediaKind::Picture;
    let mut headers = headers(&media.content_type, &format!("\"{id}\""));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Ok(value) = HeaderValue::try_from(disposition(picture, &media.name)) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    if is_known(request, &headers) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let size = u64::try_from(media.size).unwrap_or(0);
    let (status, range) = match part(request, &headers, size) {
        None => (StatusCode::OK, 0..size),
        Some(Ok(range)) => {
            let value = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            headers.insert(header::CONTENT_RANGE, value.parse().map_err(|_| internal("a range"))?);
            (StatusCode::PARTIAL_CONTENT, range)
        }
        Some(Err(())) => {
            headers.insert(header::CONTENT_RANGE, format!("bytes */{size}").parse().map_err(|_| internal("a range"))?);
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response());
        }
    };
    headers.insert(header::CONTENT_LENGTH, (range.end - range.start).into());
    let bytes = ctx.files.blobs.stream(&id, range).await?;
    Ok((status, headers, Body::from_stream(bytes)).into_response())
}

/// A picture's first frame, small.
async fn thumbnail(State(ctx): State<Arc<Ctx>>, Path(id): Path<String>, request: Request) -> Answer {
    let caller = rpc::caller_of(&ctx, request.headers(), request.extensions(), TokenScope::Read).await?;
    let request = request.headers();
    let media = media::get(&ctx, &caller, &id).await?;
    if media.kind() != MediaKind::Picture {
        return Err(Error::NotFound("thumbnail"));
    }
    let bytes = ctx.files.blobs.thumbnail(&id).await?;
    let hash: String = Sha256::digest(&bytes)[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let headers = headers(thumbnail_type(&bytes), &format!("\"{hash}\""));
    if is_known(request, &headers) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    Ok((headers, bytes).into_response())
}

fn internal(what: &str) -> Error {
    Error::Internal(format!("{what} cannot be written as a header"))
}

/// What goes with all bytes: nobody is to guess what they are, run them, or keep them for somebody else.
pub(super) fn headers(content_type: &str, tag: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (header::CONTENT_TYPE, content_type),
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    headers
}

/// Whether the caller has these very bytes already.
pub(super) fn is_known(request: &HeaderMap, headers: &HeaderMap) -> bool {
    let tag = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()).unwrap_or_default();
    let asked = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
    asked
        .flat_map(|tags| tags.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

/// The part that is asked for: none, all of it; an error, there is no such part. Of several parts none is given alone.
fn part(request: &HeaderMap, headers: &HeaderMap, size: u64) -> Option<Result<std::ops::Range<u64>, ()>> {
    let asked = request.get(header::RANGE)?.to_str().ok()?;
    if request.get(header::IF_RANGE).is_some_and(|tag| Some(tag) != headers.get(header::ETAG)) {
        return None;
    }
    let parsed = http_range_header::parse_range_header(asked).ok()?;
    match parsed.validate(size) {
        Ok(ranges) => match ranges.as_slice() {
            [range] => Some(Ok(*range.start()..range.end() + 1)),
            _ => None,
        },
        Err(_) => Some(Err(())),
    }
}

/// How a browser is to treat a file: pictures may be shown, anything else is saved. Names as RFC 6266 has them.
fn disposition(picture: bool, name: &str) -> String {
    let how = if picture { "inline" } else { "attachment" };
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' { c } else { '_' })
        .collect();
    format!("{how}; filename=\"{plain}\"; filename*=UTF-8''{}", utf8_percent_encode(name, PLAIN))
}
