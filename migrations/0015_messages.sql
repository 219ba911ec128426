-- Whom the text mentions, as readers see it: JSON list of [user, start, length], user 0 for everyone.
alter table messages add column mentions text not null default '';
-- 0: not pinned.
alter table messages add column pinned_at bigint not null default 0;
alter table messages add column pinned_by bigint not null default 0;
create index messages_pinned on messages (conversation_id, pinned_at, id) where pinned_at > 0;
-- The same, to be counted and searched. A deleted message mentions nobody.
create table mentions (
  conversation_id bigint not null,
  -- 0: everyone.
  user_id bigint not null,
  message_id bigint not null,
  author_id bigint not null,
  primary key (conversation_id, user_id, message_id)
);
create index mentions_message on mentions (conversation_id, message_id);
