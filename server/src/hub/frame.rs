//! Events as whole gRPC frames: the five-byte prefix and the message, ready for the wire of any number of readers.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;
use rookery_api::v1::{self, Event, SubscribeResponse, event::Kind};

/// Tells a reader to come back on another stream.
pub(super) fn reconnect(after: Duration) -> Bytes {
    let seconds = i64::try_from(after.as_secs()).unwrap_or(i64::MAX);
    let nanos = i32::try_from(after.subsec_nanos()).unwrap_or(0);
    encode(0, 0, 0, Kind::Reconnect(v1::Reconnect { after: Some(prost_types::Duration { seconds, nanos }) }))
}

/// Encodes one event.
pub(super) fn encode(conversation_id: i64, after: i64, position: i64, kind: Kind) -> Bytes {
    let response = SubscribeResponse { conversation_id, after, position, event: Some(Event { kind: Some(kind) }) };
    let length = response.encoded_len();
    let mut frame = BytesMut::with_capacity(5 + length);
    frame.put_u8(0); // not compressed
    frame.put_u32(u32::try_from(length).expect("an event is smaller than 4 GiB"));
    response.encode(&mut frame).expect("the buffer grows as needed");
    frame.freeze()
}
