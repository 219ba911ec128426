//! The third person: she talks by client-core, and what she does and sees is what the play asks for.

use std::path::Path;

use rookery_client::{Attachment, Connection, Run, State, v1};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    device::{Device, PATIENCE},
    harness::{PASSWORD, Person},
};

/// What she is asked to do. Chats go by their titles, messages by their texts, people by the names they show.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    Join {
        code: String,
    },
    Say {
        chat: String,
        text: String,
        reply_to: Option<String>,
    },
    /// Sends a file with a text.
    Send {
        chat: String,
        text: String,
        name: String,
        content: Vec<u8>,
    },
    /// Fetches what is attached to a message; tells how many bytes came of each.
    Fetch {
        chat: String,
        text: String,
    },
    /// Many lines, one after the other.
    Recite {
        chat: String,
        lines: Vec<String>,
    },
    /// Waits until she sees a message; tells what there is to see.
    See {
        chat: String,
        text: String,
    },
    /// Waits until a message is gone.
    Miss {
        chat: String,
        text: String,
    },
    /// All the texts that she has of a chat, in their order, once nothing of hers waits.
    Read {
        chat: String,
    },
    React {
        chat: String,
        text: String,
        emote: String,
    },
    Edit {
        chat: String,
        text: String,
        into: String,
    },
    Delete {
        chat: String,
        text: String,
    },
    Type {
        chat: String,
    },
    /// Waits until somebody is typing there.
    SeeTyping {
        chat: String,
        who: String,
    },
    /// Waits until somebody is seen in a state.
    SeePresence {
        who: String,
        state: String,
    },
    /// Chooses how she is seen.
    Choose {
        status: String,
    },
    /// What she knows about somebody.
    Know {
        who: String,
    },
}

pub struct Friend {
    device: Device,
    person: Person,
}

impl Friend {
    pub async fn enter(folder: &Path, url: &str, name: &str, display_name: &str) -> Self {
        let api = rookery_client::Api::new(url, None).unwrap();
        let request = v1::RegisterRequest {
            name: name.into(),
            password: PASSWORD.into(),
            display_name: display_name.into(),
            ..Default::default()
        };
        let answer = api.register(request).await.unwrap();
        let api = api.with_token(Some(&answer.token)).unwrap();
        let person = Person { api, id: answer.user.unwrap().id, name: name.into(), token: answer.token };
        let mut device = Device::start(folder, url, &person, name).await;
        device.online().await;
        Self { device, person }
    }

    pub async fn again(self, folder: &Path) -> Self {
        self.device.end().await;
        Self { device: Device::again(folder, &self.person.name).await, person: self.person }
    }

    pub async fn act(&mut self, deed: Deed) -> Result<Value, String> {
        match deed {
            Deed::Join { code } => {
                self.device.client.join_by_code(code).await.map_err(|error| error.to_string())?;
            }
            Deed::Say { chat, text, reply_to } => {
                let id = self.open(&chat).await?;
                let reply_to = match reply_to {
                    Some(text) => self.message(&chat, &text).await?.id,
                    None => 0,
                };
                self.device.client.send(id, text, reply_to);
            }
            Deed::Send { chat, text, name, content } => {
                let id = self.open(&chat).await?;
                let file = Attachment::Bytes { name, bytes: content };
                self.device.client.send_with(id, text, 0, vec![file]);
            }
            Deed::Fetch { chat, text } => {
                let message = self.message(&chat, &text).await?;
                let mut sizes = Vec::new();
                for media in &message.attachments {
                    let bytes = self.device.client.media().fetch(media).await.map_err(|error| error.to_string())?;
                    sizes.push(bytes.len());
                }
                return Ok(json!(sizes));
            }
            Deed::Recite { chat, lines } => {
                let id = self.open(&chat).await?;
                for line in lines {
                    self.device.client.send(id, line, 0);
                }
            }
            Deed::See { chat, text } => {
                let message = self.message(&chat, &text).await?;
                return Ok(self.told(&message));
            }
            Deed::Miss { chat, text } => {
                let id = self.open(&chat).await?;
                self.until(&format!("{text:?} goes"), |state| {
                    run(state, id).is_some_and(|run| run.messages().all(|message| !message.text.contains(&text)))
                })
                .await?;
            }
            Deed::Read { chat } => {
                let id = self.open(&chat).await?;
                let settled =
                    |state: &State| *state.connection() == Connection::Online && state.all_pending().count() == 0;
                let state = self.until("all is sent", settled).await?;
                let texts =
                    run(&state, id).into_iter().flat_map(Run::messages).filter(|message| message.system.is_none());
                return Ok(texts.filter(|message| !message.deleted).map(|message| message.text.clone()).collect());
            }
            Deed::React { chat, text, emote } => {
                let message = self.message(&chat, &text).await?;
                let client = &self.device.client;
                client
                    .react(message.conversation_id, message.id, emote, true)
                    .await
                    .map_err(|error| error.to_string())?;
            }
            Deed::Edit { chat, text, into } => {
                let message = self.message(&chat, &text).await?;
                let client = &self.device.client;
                client.edit(message.conversation_id, message.id, into).await.map_err(|error| error.to_string())?;
            }
            Deed::Delete { chat, text } => {
                let message = self.message(&chat, &text).await?;
                let client = &self.device.client;
                client.delete(message.conversation_id, message.id).await.map_err(|error| error.to_string())?;
            }
            Deed::Type { chat } => {
                let id = self.open(&chat).await?;
                self.device.client.typing(id, false);
            }
            Deed::SeeTyping { chat, who } => {
                let id = self.open(&chat).await?;
                self.until(&format!("{who} types"), |state| {
                    let typing = state.conversation(id).into_iter().flat_map(|chat| chat.typing());
                    typing.into_iter().any(|id| state.user(*id).is_some_and(|user| user.display_name == who))
                })
                .await?;
            }
            Deed::SeePresence { who, state: wanted } => {
                self.until(&format!("{who} is {wanted}"), |state| {
                    somebody(state, &who).is_some_and(|user| presence(state, user.id) == wanted)
                })
                .await?;
            }
            Deed::Choose { status } => {
                let name = format!("STATUS_KIND_{}", status.to_uppercase());
                let kind = v1::StatusKind::from_str_name(&name).ok_or_else(|| format!("there is no {name}"))?;
                self.device.client.set_status(kind, None).await.map_err(|error| error.to_string())?;
            }
            Deed::Know { who } => {
                let state = self.until(&format!("{who} is known"), |state| somebody(state, &who).is_some()).await?;
                let user = somebody(&state, &who).ok_or("gone")?;
                return Ok(json!({ "about": user.about, "avatar": user.avatar, "color": user.color }));
            }
        }
        Ok(Value::Null)
    }

    /// The state once it is so, or what was waited for in vain.
    async fn until(&mut self, what: &str, so: impl Fn(&State) -> bool) -> Result<std::sync::Arc<State>, String> {
        let waited = PATIENCE.as_secs();
        self.device.reaches(so).await.map_err(|state| {
            let chats: Vec<_> = state.chats().into_iter().map(|chat| state.title(chat).to_owned()).collect();
            format!("not within {waited} s: {what}; {:?}, chats {chats:?}", state.connection())
        })
    }

    /// Opens a chat by its title and waits for its messages.
    async fn open(&mut self, title: &str) -> Result<i64, String> {
        let find =
            |state: &State| state.chats().into_iter().find(|chat| state.title(chat) == title).map(|chat| chat.id());
        let state = self.until(&format!("the chat {title:?} is there"), |state| find(state).is_some()).await?;
        let id = find(&state).ok_or("gone")?;
        if run(&state, id).is_none() {
            self.device.client.open(id);
            self.device.client.follow(id, true);
            self.device.client.set_view(vec![id]);
        }
        self.until(&format!("the chat {title:?} opens"), |state| run(state, id).is_some()).await?;
        Ok(id)
    }

    /// The newest message with these words in it.
    async fn message(&mut self, chat: &str, text: &str) -> Result<std::sync::Arc<v1::Message>, String> {
        let id = self.open(chat).await?;
        let find = |state: &State| {
            run(state, id)?.messages().rev().find(|message| !message.deleted && message.text.contains(text)).cloned()
        };
        let state = self.until(&format!("{text:?} comes in {chat:?}"), |state| find(state).is_some()).await?;
        find(&state).ok_or_else(|| "gone".to_owned())
    }

    /// What there is to see of a message.
    fn told(&self, message: &v1::Message) -> Value {
        let state = self.device.state();
        let replied = state.conversation(message.conversation_id).and_then(|chat| chat.message(message.reply_to));
        let reactions = message.reactions.iter().map(|reaction| (reaction.emote.clone(), json!(reaction.count)));
        let attachments = message.attachments.iter().map(|media| {
            let kind = media.kind().as_str_name().trim_start_matches("MEDIA_KIND_").to_lowercase();
            json!({
                "name": media.name, "kind": kind, "size": media.size, "width": media.width, "height": media.height,
                "animated": media.animated,
            })
        });
        json!({
            "attachments": attachments.collect::<Vec<_>>(),
            "author": state.user(message.author_id).map(|user| user.display_name.clone()),
            "text": message.text,
            "edited": message.edited_at.is_some(),
            "replyTo": replied.map(|message| message.text.clone()),
            "reactions": reactions.collect::<serde_json::Map<_, _>>(),
        })
    }
}

fn run(state: &State, id: i64) -> Option<&Run> {
    state.conversation(id)?.run()
}

fn somebody<'state>(state: &'state State, shown: &str) -> Option<&'state v1::User> {
    state.users().map(std::sync::Arc::as_ref).find(|user| user.display_name == shown)
}

/// `online` of PRESENCE_STATE_ONLINE.
fn presence(state: &State, user_id: i64) -> String {
    state.presence(user_id).as_str_name().trim_start_matches("PRESENCE_STATE_").to_lowercase()
}
