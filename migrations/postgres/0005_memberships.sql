create table memberships (
  user_id bigint not null,
  conversation_id bigint not null,
  -- Messages below this id are not for this user.
  visible_from bigint not null,
  -- The number of the joining line (0: there was none) and its time.
  joined_position bigint not null,
  joined_at bigint not null,
  read_position bigint not null,
  -- conversations.messages as it was at read_position.
  read_messages bigint not null,
  -- How many messages above read_position are the user's own.
  own_messages bigint not null default 0,
  primary key (user_id, conversation_id)
);
create unique index memberships_conversation on memberships (conversation_id, user_id);
create index memberships_joined on memberships (conversation_id, joined_position, user_id);
