-- Files that people sent. Their bytes are not here.
create table media (
  id text primary key,
  -- 0: the server's own.
  owner_id bigint not null,
  -- MediaKind of the protocol.
  kind bigint not null,
  name text not null,
  content_type text not null,
  size bigint not null,
  -- Of pictures.
  width bigint not null default 0,
  height bigint not null default 0,
  -- Hexadecimal.
  thumbhash text not null default '',
  animated boolean not null default false,
  created_at bigint not null
);
create index media_owner on media (owner_id, size);
create index media_created on media (created_at);
-- Which messages show them. A deleted message shows none.
create table attachments (
  conversation_id bigint not null,
  message_id bigint not null,
  media_id text not null,
  primary key (conversation_id, message_id, media_id)
);
create index attachments_media on attachments (media_id, conversation_id, message_id);
-- The same as readers see it: JSON list of the rows of media, in the sender's order.
alter table messages add column attachments text not null default '';
alter table users add column color text not null default '';
alter table users add column avatar text not null default '';
create index users_avatar on users (avatar) where avatar <> '';
