//! One method for each call of the protocol, named as in the services: read proto/rookery/v1/*_service.proto.

use rookery_api::v1;

use super::{Api, Error, EventStream, ExportStream, LARGEST_ANSWER};

macro_rules! calls {
    ($($client:ident in $module:ident { $($method:ident: $request:ident -> $response:ident,)* })*) => {
        impl Api {
            $($(
                #[doc = concat!("`", stringify!($request), "` to `", stringify!($response), "`, as the protocol's page says.")]
                pub async fn $method(&self, request: v1::$request) -> Result<v1::$response, Error> {
                    let mut client = v1::$module::$client::new(self.channel())
                        .max_decoding_message_size(LARGEST_ANSWER);
                    Self::call(client.$method(self.request(request))).await
                }
            )*)*
        }
    };
}

calls! {
    ServerServiceClient in server_service_client {
        get_server_info: GetServerInfoRequest -> GetServerInfoResponse,
    }
    AccountServiceClient in account_service_client {
        register: RegisterRequest -> RegisterResponse,
        sign_in: SignInRequest -> SignInResponse,
        sign_out: SignOutRequest -> SignOutResponse,
        change_password: ChangePasswordRequest -> ChangePasswordResponse,
        list_sessions: ListSessionsRequest -> ListSessionsResponse,
        revoke_session: RevokeSessionRequest -> RevokeSessionResponse,
        create_token: CreateTokenRequest -> CreateTokenResponse,
        delete_account: DeleteAccountRequest -> DeleteAccountResponse,
    }
    UserServiceClient in user_service_client {
        get_user: GetUserRequest -> GetUserResponse,
        get_users: GetUsersRequest -> GetUsersResponse,
        list_users: ListUsersRequest -> ListUsersResponse,
        update_profile: UpdateProfileRequest -> UpdateProfileResponse,
        set_status: SetStatusRequest -> SetStatusResponse,
        block_user: BlockUserRequest -> BlockUserResponse,
        unblock_user: UnblockUserRequest -> UnblockUserResponse,
        list_blocked: ListBlockedRequest -> ListBlockedResponse,
    }
    AdminServiceClient in admin_service_client {
        list_accounts: ListAccountsRequest -> ListAccountsResponse,
        create_account: CreateAccountRequest -> CreateAccountResponse,
        update_account: UpdateAccountRequest -> UpdateAccountResponse,
        reset_password: ResetPasswordRequest -> ResetPasswordResponse,
        end_sessions: EndSessionsRequest -> EndSessionsResponse,
        remove_account: RemoveAccountRequest -> RemoveAccountResponse,
        set_registration: SetRegistrationRequest -> SetRegistrationResponse,
        create_registration_invite: CreateRegistrationInviteRequest -> CreateRegistrationInviteResponse,
        list_registration_invites: ListRegistrationInvitesRequest -> ListRegistrationInvitesResponse,
        revoke_registration_invite: RevokeRegistrationInviteRequest -> RevokeRegistrationInviteResponse,
        announce: AnnounceRequest -> AnnounceResponse,
        list_audit_entries: ListAuditEntriesRequest -> ListAuditEntriesResponse,
    }
    ConversationServiceClient in conversation_service_client {
        list_conversations: ListConversationsRequest -> ListConversationsResponse,
        get_conversation: GetConversationRequest -> GetConversationResponse,
        open_direct: OpenDirectRequest -> OpenDirectResponse,
        create_group: CreateGroupRequest -> CreateGroupResponse,
        update_group: UpdateGroupRequest -> UpdateGroupResponse,
        list_public_groups: ListPublicGroupsRequest -> ListPublicGroupsResponse,
        join_group: JoinGroupRequest -> JoinGroupResponse,
        create_invite: CreateInviteRequest -> CreateInviteResponse,
        add_members: AddMembersRequest -> AddMembersResponse,
        remove_member: RemoveMemberRequest -> RemoveMemberResponse,
        leave_group: LeaveGroupRequest -> LeaveGroupResponse,
        list_members: ListMembersRequest -> ListMembersResponse,
        list_invites: ListInvitesRequest -> ListInvitesResponse,
        revoke_invite: RevokeInviteRequest -> RevokeInviteResponse,
        transfer_ownership: TransferOwnershipRequest -> TransferOwnershipResponse,
        update_membership: UpdateMembershipRequest -> UpdateMembershipResponse,
    }
    MessageServiceClient in message_service_client {
        send_message: SendMessageRequest -> SendMessageResponse,
        edit_message: EditMessageRequest -> EditMessageResponse,
        delete_message: DeleteMessageRequest -> DeleteMessageResponse,
        get_message: GetMessageRequest -> GetMessageResponse,
        list_messages: ListMessagesRequest -> ListMessagesResponse,
        list_changes: ListChangesRequest -> ListChangesResponse,
        add_reaction: AddReactionRequest -> AddReactionResponse,
        remove_reaction: RemoveReactionRequest -> RemoveReactionResponse,
        list_reactions: ListReactionsRequest -> ListReactionsResponse,
        pin_message: PinMessageRequest -> PinMessageResponse,
        unpin_message: UnpinMessageRequest -> UnpinMessageResponse,
        list_pins: ListPinsRequest -> ListPinsResponse,
        search_messages: SearchMessagesRequest -> SearchMessagesResponse,
        mark_read: MarkReadRequest -> MarkReadResponse,
        mark_unread: MarkUnreadRequest -> MarkUnreadResponse,
    }
    MediaServiceClient in media_service_client {
        upload_media: UploadMediaRequest -> UploadMediaResponse,
        get_media: GetMediaRequest -> GetMediaResponse,
    }
    GifServiceClient in gif_service_client {
        search_gifs: SearchGifsRequest -> SearchGifsResponse,
        list_trending_gifs: ListTrendingGifsRequest -> ListTrendingGifsResponse,
        list_gif_categories: ListGifCategoriesRequest -> ListGifCategoriesResponse,
        save_gif: SaveGifRequest -> SaveGifResponse,
        add_favorite_gif: AddFavoriteGifRequest -> AddFavoriteGifResponse,
        remove_favorite_gif: RemoveFavoriteGifRequest -> RemoveFavoriteGifResponse,
        list_favorite_gifs: ListFavoriteGifsRequest -> ListFavoriteGifsResponse,
    }
    EventServiceClient in event_service_client {
        send_typing: SendTypingRequest -> SendTypingResponse,
        set_activity: SetActivityRequest -> SetActivityResponse,
        set_view: SetViewRequest -> SetViewResponse,
    }
}

impl Api {
    /// All that happens, live. [`crate::connect`] does this and all that belongs to it; bare streams are for tests and
    /// bots.
    pub async fn subscribe(&self, request: v1::SubscribeRequest) -> Result<EventStream, Error> {
        let mut client =
            v1::event_service_client::EventServiceClient::new(self.channel()).max_decoding_message_size(LARGEST_ANSWER);
        Self::call(client.subscribe(self.request(request))).await.map(EventStream::new)
    }

    /// All that is the user's own, as a zip archive in pieces.
    pub async fn export_account(&self, request: v1::ExportAccountRequest) -> Result<ExportStream, Error> {
        let mut client = v1::account_service_client::AccountServiceClient::new(self.channel())
            .max_decoding_message_size(LARGEST_ANSWER);
        Self::call(client.export_account(self.request(request))).await.map(ExportStream::new)
    }
}
