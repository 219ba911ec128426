//! Which rate a method counts to. The class travels with the request, and is charged where its caller is known.

use http::{Extensions, Request};

use crate::{
    domain::{Caller, Ctx, Result, rate::Class},
    peer::Peer,
};

/// A method that is not named here counts to `Calls`; None: it is charged by its rule, which answers repeats first.
fn class_of(path: &str) -> Option<Class> {
    let method = path.strip_prefix("/rookery.v1.").unwrap_or_default();
    Some(match method {
        "MessageService/SendMessage" | "ConversationService/CreateGroup" => return None,
        "MessageService/EditMessage"
        | "MessageService/DeleteMessage"
        | "MessageService/AddReaction"
        | "MessageService/RemoveReaction"
        | "MessageService/PinMessage"
        | "MessageService/UnpinMessage"
        | "ConversationService/OpenDirect"
        | "ConversationService/UpdateGroup"
        | "ConversationService/JoinGroup"
        | "ConversationService/LeaveGroup"
        | "ConversationService/AddMembers"
        | "ConversationService/RemoveMember"
        | "ConversationService/TransferOwnership"
        | "ConversationService/RevokeInvite"
        | "ConversationService/UpdateMembership"
        | "UserService/BlockUser"
        | "UserService/UnblockUser"
        | "GifService/AddFavoriteGif"
        | "GifService/RemoveFavoriteGif" => Class::Changes,
        "UserService/UpdateProfile" | "UserService/SetStatus" => Class::Profiles,
        "ConversationService/CreateInvite" | "AccountService/CreateToken" => Class::Creations,
        "MessageService/ListMessages"
        | "MessageService/ListChanges"
        | "MessageService/GetMessage"
        | "MessageService/ListReactions"
        | "MessageService/ListPins" => Class::History,
        "MessageService/SearchMessages" => Class::Searches,
        "MediaService/UploadMedia" | "GifService/SaveGif" => Class::Uploads,
        "GifService/SearchGifs" | "GifService/ListTrendingGifs" | "GifService/ListGifCategories" => Class::Gifs,
        "EventService/Subscribe" => Class::Streams,
        "AccountService/ExportAccount" => Class::Exports,
        _ => Class::Calls,
    })
}

/// Notes what a request counts to.
pub(super) fn classify<B>(mut request: Request<B>) -> Request<B> {
    if let Some(class) = class_of(request.uri().path()) {
        request.extensions_mut().insert(class);
    }
    request
}

/// Counts a request from an address. All that come over a listener have one.
pub(super) fn charge_address(ctx: &Ctx, extensions: &Extensions, class: Class) -> Result<()> {
    extensions.get().map_or(Ok(()), |peer: &Peer| ctx.rates.address(peer, class))
}

/// Counts a request of a caller's.
pub(super) fn charge(ctx: &Ctx, caller: &Caller, extensions: &Extensions) -> Result<()> {
    match extensions.get() {
        Some(class) => ctx.rates.user(caller.user_id, *class),
        None => Ok(()),
    }
}
