-- A picture's id; '': none.
alter table conversations add column icon text not null default '';
create index conversations_icon on conversations (icon) where icon <> '';
-- In milliseconds since 1970; 0: not muted.
alter table memberships add column muted_until bigint not null default 0;
-- A direct chat is hidden while its last message that is no system line is at or below this.
alter table memberships add column hidden_through bigint not null default 0;
create table blocks (
  user_id bigint not null,
  blocked_id bigint not null,
  created_at bigint not null,
  primary key (user_id, blocked_id)
);
create index blocks_blocked on blocks (blocked_id, user_id);
create index invites_conversation on invites (conversation_id, created_at, code);
