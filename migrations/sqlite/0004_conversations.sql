create table conversations (
  id integer primary key,
  -- ConversationKind of the protocol.
  kind bigint not null,
  name text not null default '',
  search_key text not null default '',
  public boolean not null default false,
  -- Whether who joins may read what was there before.
  open_history boolean not null default false,
  owner_id bigint not null default 0,
  -- Who made it, with which request_id: a repeat makes no second one.
  creator_id bigint not null default 0,
  request_id text not null,
  direct_low bigint not null default 0,
  direct_high bigint not null default 0,
  -- The number of the last change; max(messages.changed) at every commit.
  position bigint not null default 0,
  -- How many messages of users were ever sent.
  messages bigint not null default 0,
  members bigint not null default 0,
  -- created_at of the newest message: times never go back.
  last_at bigint not null default 0,
  created_at bigint not null
);
create unique index conversations_request on conversations (creator_id, request_id);
create unique index conversations_direct on conversations (direct_low, direct_high) where kind = 2;
create unique index conversations_global on conversations (kind) where kind = 1;
create index conversations_public on conversations (search_key, id) where public;
