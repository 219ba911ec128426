create table reactions (
  conversation_id bigint not null,
  message_id bigint not null,
  emote text not null,
  user_id bigint not null,
  -- The number of the change that added it: the order of time.
  added bigint not null,
  primary key (conversation_id, message_id, emote, user_id)
);
