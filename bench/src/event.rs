//! The few numbers of an event that measuring needs, without decoding the rest: a generator that decodes every text for a
//! thousand readers measures itself.

/// Field numbers of `Event.kind`.
pub const MESSAGE_CHANGED: u64 = 2;
pub const CAUGHT_UP: u64 = 6;

/// What `SubscribeResponse` begins with.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Glance {
    pub conversation_id: i64,
    pub position: i64,
    /// The field number of the event's kind.
    pub kind: u64,
}

/// Looks at an encoded `SubscribeResponse`. Fields come in their order, as every encoder in use writes them.
pub fn glance(mut bytes: &[u8]) -> Glance {
    let mut glance = Glance::default();
    while let Some(tag) = number(&mut bytes) {
        let Some(value) = number(&mut bytes) else { break };
        match tag {
            0x08 => glance.conversation_id = value.cast_signed(),
            0x18 => glance.position = value.cast_signed(),
            // The event: its length is read, its first tag follows.
            0x22 => {
                glance.kind = number(&mut bytes).map_or(0, |tag| tag >> 3);
                break;
            }
            _ => {}
        }
    }
    glance
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use rookery_api::v1::{self, event::Kind};

    use super::*;

    #[test]
    fn a_glance_sees_what_decoding_would() {
        for (kind, number) in [
            (Kind::MessageChanged(v1::MessageChanged::default()), 2),
            (Kind::CaughtUp(v1::CaughtUp {}), 6),
            (Kind::Reconnect(v1::Reconnect::default()), 14),
        ] {
            let event = Some(v1::Event { kind: Some(kind) });
            let response = v1::SubscribeResponse { conversation_id: 70_000, after: 299, position: 300, event };
            let seen = Glance { conversation_id: 70_000, position: 300, kind: number };
            assert_eq!(glance(&response.encode_to_vec()), seen);
        }
    }
}
