create table invites (
  code text primary key,
  conversation_id bigint not null,
  creator_id bigint not null,
  -- 0: any number.
  max_uses bigint not null,
  uses bigint not null default 0,
  expires_at bigint,
  created_at bigint not null
);
-- Who was removed from a group: not let in again by id or code until a member adds her.
create table removals (
  conversation_id bigint not null,
  user_id bigint not null,
  primary key (conversation_id, user_id)
);
