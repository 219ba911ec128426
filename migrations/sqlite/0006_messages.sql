create table messages (
  -- The table's own key, in order of insertion; no order of the protocol.
  seq integer primary key,
  conversation_id bigint not null,
  id bigint not null,
  author_id bigint not null,
  request_id text not null,
  -- The first eight bytes of SHA-256 over what was sent: tells a repeat from a reuse.
  content_hash bigint not null,
  text text not null,
  changed bigint not null,
  created_at bigint not null,
  edited_at bigint,
  deleted boolean not null default false,
  reply_to bigint not null default 0,
  -- conversations.messages after this message: how many user messages there are up to here.
  number bigint not null,
  -- SystemKind of the protocol, 0 for a user's message; whom the line names (JSON list); the new owner.
  system bigint not null default 0,
  subjects text not null default '',
  new_owner_id bigint not null default 0,
  -- The reactions as readers see them: JSON list of [emote, count, [first ten users]].
  reactions text not null default '',
  unique (conversation_id, id)
);
create unique index messages_request on messages (conversation_id, author_id, request_id);
create index messages_changed on messages (conversation_id, changed);
create index messages_deleted on messages (conversation_id, id) where deleted;
