-- An admin may call AdminService. Who is disabled is shut out. What is left of a deleted account is its row.
alter table users add column admin boolean not null default false;
alter table users add column disabled boolean not null default false;
alter table users add column deleted boolean not null default false;
-- What a script's token may be used for, a bit for each TokenScope of the protocol; 0: a device, which may do everything.
alter table sessions add column scopes bigint not null default 0;
-- Null: never used.
alter table sessions add column used_at bigint;
-- When a token ends for good; null: never. Devices end by used_at and created_at.
alter table sessions add column expires_at bigint;
-- Tokens of devices that have ended: who carries one of them does not wait for others' wrong passwords.
create table known_devices (
  token_hash text primary key,
  user_id bigint not null,
  ended_at bigint not null
);
create index known_devices_user on known_devices (user_id, ended_at);
-- Deleted accounts of which something is still to go: memberships, files that no message shows, and where `erase`, messages.
create table deletions (
  user_id bigint primary key,
  erase boolean not null
);
create index messages_author on messages (author_id, conversation_id, id) where system = 0 and not deleted;
